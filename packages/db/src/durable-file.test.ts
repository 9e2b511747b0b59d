import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { writeDurably } from "./durable-file.ts";

const MODULE = new URL("../dist/durable-file.js", import.meta.url).href;

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "jarvis-durable-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

it("puts a file in place whole, for its owner only", () => {
  const path = join(directory, "state.json");
  writeFileSync(path, "old", { mode: 0o644 });
  writeDurably(path, "new");
  expect(readFileSync(path, "utf8")).toBe("new");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(directory)).toEqual(["state.json"]);
});

it("leaves the old content where the disk takes only a part of the new", () => {
  const path = join(directory, "state.json");
  writeFileSync(path, "old");
  const program = `
    import { writeDurably } from ${JSON.stringify(MODULE)};
    try { writeDurably(process.argv[1], "x".repeat(1500)); } catch (error) { console.log(error.code); }`;
  // A file may have 1024 bytes: the first write takes as many, and only the next one fails.
  const script = 'ulimit -f 1; exec "$0" --input-type=module --eval "$1" "$2"';
  const said = execFileSync("bash", ["-c", script, process.execPath, program, path], {
    encoding: "utf8",
  });
  expect(said).toBe("EFBIG\n");
  expect(readFileSync(path, "utf8")).toBe("old");
  expect(readdirSync(directory)).toEqual(["state.json"]);
});
