import { ModelError } from "./model-port.ts";
import { withoutKey } from "./without-key.ts";

interface Circumstances {
  /** Whoever asked was stopped: a kill, a cancellation, a time limit. */
  readonly isStopped: boolean;
  readonly isSilent: boolean;
  readonly silenceMs: number;
  readonly receivedCharacters: number;
  /** What the request was made with, which a host may repeat. */
  readonly key: string | null;
}

/** The one cause of a failed request. A provider's words are cut, and never repeated with what was sent. */
export function modelErrorOf(error: unknown, circumstances: Circumstances): ModelError {
  const { isStopped, isSilent, silenceMs, receivedCharacters, key } = circumstances;
  if (error instanceof ModelError) return error;
  if (isStopped) {
    return new ModelError("stopped", "The request to the model was stopped.", {
      receivedCharacters,
    });
  }
  if (isSilent) {
    return new ModelError("silent", `The model sent nothing for ${silenceMs} ms.`, {
      receivedCharacters,
    });
  }
  const { status, headers, body } = responseOf(error);
  const more = { receivedCharacters, retryAfterMs: retryAfterMs(headers), cause: error };
  const type = typeIn(error);
  if (status === 429 || type === "rate_limit_error") {
    return new ModelError("rate-limited", "The model's host asks to wait.", more);
  }
  if ((status ?? 0) >= 500 || type === "overloaded_error" || type === "api_error") {
    const shown = status === null ? "" : ` (${status})`;
    return new ModelError("overloaded", `The model's host cannot answer now${shown}.`, more);
  }
  if (status === 401 || status === 403) {
    return new ModelError(
      "unauthorised",
      `The model's host does not take the key (${status}).`,
      more,
    );
  }
  if (status !== null && status >= 400) {
    const said = withoutKey(body, key).replaceAll(/\s+/g, " ").slice(0, 300);
    const why = said === "" ? "" : `: ${said}`;
    return new ModelError(
      "refused",
      `The model's host refused the request (${status})${why}`,
      more,
    );
  }
  if (receivedCharacters > 0 || isAnswering(error)) {
    return new ModelError("cut", "The model's answer was cut off.", more);
  }
  return new ModelError("unreachable", "The model's host cannot be reached.", more);
}

function responseOf(error: unknown): {
  status: number | null;
  headers: Readonly<Record<string, string>>;
  body: string;
} {
  const found = error as {
    statusCode?: unknown;
    responseHeaders?: Record<string, string>;
    responseBody?: unknown;
  } | null;
  const status = found?.statusCode;
  const isOk = typeof status === "number" && status >= 200 && status < 300;
  return {
    // A stream that breaks has a good status: it is its end that is wrong.
    status: typeof status === "number" && !isOk ? status : null,
    headers: found?.responseHeaders ?? {},
    body: typeof found?.responseBody === "string" ? found.responseBody : "",
  };
}

/** It had begun to answer well. */
function isAnswering(error: unknown): boolean {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === "number" && status >= 200 && status < 300;
}

/** Seconds or a date, or milliseconds in a header of its own. */
export function retryAfterMs(headers: Readonly<Record<string, string>>): number | null {
  const precise = Number(headers["retry-after-ms"] ?? Number.NaN);
  if (Number.isFinite(precise) && precise >= 0) return precise;
  const given = headers["retry-after"];
  if (given === undefined) return null;
  const seconds = Number(given);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1000 : null;
  const at = Date.parse(given);
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now());
}

/** A host may say so within a stream that began well, as an object with a type. */
function typeIn(error: unknown): string | null {
  const type = (error as { type?: unknown } | null)?.type;
  return typeof type === "string" ? type : null;
}
