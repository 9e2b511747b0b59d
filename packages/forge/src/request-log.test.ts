import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

import { expect, it, onTestFinished } from "vitest";

import { openRequestLog, type RequestLog } from "./request-log.ts";
import { temporaryDirectory } from "./testing/forge-world.ts";

it("holds the newest requests in one file, those before in another, and no more", async () => {
  const { directory, file } = await place();
  const log = openRequestLog(file, 1000);
  for (let index = 0; index < 50; index++) recordOne(log, `/${index}`);
  log.close();
  expect(readdirSync(directory).sort()).toEqual(["requests.ndjson", "requests.ndjson.1"]);
  const paths = [`${file}.1`, file].flatMap(pathsIn);
  expect(paths.length).toBeGreaterThan(8);
  expect(paths).toEqual(Array.from(paths, (_, index) => `/${50 - paths.length + index}`));
  for (const each of [file, `${file}.1`]) {
    expect(statSync(each).size).toBeLessThanOrEqual(1000);
    expect(statSync(each).mode & 0o777).toBe(0o600);
  }
});

it("goes on where it ended, and counts what was there", async () => {
  const { directory, file } = await place();
  for (const path of ["/a", "/b"]) {
    const log = openRequestLog(file, 1000);
    recordOne(log, path);
    log.close();
  }
  expect(pathsIn(file)).toEqual(["/a", "/b"]);
  const full = openRequestLog(file, 100);
  recordOne(full, "/c");
  full.close();
  expect([pathsIn(`${file}.1`), pathsIn(file)]).toEqual([["/a", "/b"], ["/c"]]);
  expect(readdirSync(directory)).toHaveLength(2);
});

async function place(): Promise<{ directory: string; file: string }> {
  const directory = await temporaryDirectory();
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return { directory, file: join(directory, "requests.ndjson") };
}

function recordOne(log: RequestLog, path: string): void {
  log.record({ method: "GET", path, status: 200, mutation: false, actor: null });
}

function pathsIn(file: string): unknown[] {
  return readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { path: unknown }).path);
}
