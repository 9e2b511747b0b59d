import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { openStateDirectory } from "@jarvis/db";
import { onTestFinished } from "vitest";
import type { World } from "./world.ts";

/**
 * Stands in for a kernel whose answers no real one gives on order: it proves that it has the token and
 * answers every question in one way. Answers what it was asked.
 */
export async function kernelIn(
  world: World,
  answer: { status: number; body: object },
): Promise<string[]> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://localhost");
    const proof = createHmac("sha256", "secret")
      .update(`jarvis-kernel:${searchParams.get("challenge") ?? ""}`)
      .digest("base64url");
    asked.push(pathname);
    const isLook = pathname === "/healthz";
    response.writeHead(isLook ? 200 : answer.status, { connection: "close" });
    response.end(JSON.stringify(isLook ? { proof } : answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  openStateDirectory(world.stateDir);
  writeFileSync(join(world.stateDir, "token"), "secret");
  writeFileSync(join(world.stateDir, "kernel.json"), JSON.stringify({ pid: process.pid, url }));
  return asked;
}
