import type { IncomingHttpHeaders } from "node:http";

import { Problem } from "./problem.ts";

/**
 * What a browser could be made to send is refused before anything is looked at. A page of another
 * site can reach 127.0.0.1, under a name of its own even as if it were the same site; `Host` and
 * `Origin` give both away.
 */
export function guardRequest(headers: IncomingHttpHeaders, port: number): Problem | undefined {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  if (headers.host === undefined || !hosts.includes(headers.host.toLowerCase())) {
    return new Problem(421, `This forge answers to ${hosts.join(" and ")} only.`);
  }
  const { origin } = headers;
  if (origin !== undefined && !hosts.some((host) => origin === `http://${host}`)) {
    return new Problem(403, "Requests from the pages of another site are refused.");
  }
  return undefined;
}

/** A body must say that it is JSON: a form of another site cannot. */
export function guardContentType(contentType: string | undefined): Problem | undefined {
  const type = contentType?.split(";", 1)[0]?.trim().toLowerCase();
  return type === "application/json" || /^application\/vnd\.github\..*json$/u.test(type ?? "")
    ? undefined
    : new Problem(415, `A body must be application/json, got ${contentType ?? "no content type"}.`);
}
