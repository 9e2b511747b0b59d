import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  addToken,
  callerOf,
  findCaller,
  knownToken,
  newToken,
  readTokens,
  revokeToken,
} from "./token-store.ts";

const MODULE = new URL("../../dist/access/token-store.js", import.meta.url).href;

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "jarvis-tokens-"));
  path = join(directory, "tokens.json");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("a token", () => {
  it("is kept as its hash, in a file for its owner only", () => {
    const token = addToken(directory, { name: "ci", role: "propose" });
    expect(token).toMatch(/^jarvis_[\w-]{43}$/);
    expect(readFileSync(path, "utf8")).not.toContain(token);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readTokens(directory)).toMatchObject([{ name: "ci", role: "propose" }]);
  });

  it("lets in whoever has it, until it is revoked", () => {
    const token = addToken(directory, { name: "ci", role: "propose" });
    addToken(directory, { name: "ada", role: "approve" });
    expect(findCaller(token, known())).toMatchObject({ name: "ci", role: "propose" });
    expect(findCaller(newToken(), known())).toBeNull();
    expect(findCaller("", known())).toBeNull();
    revokeToken(directory, "ci");
    expect(findCaller(token, known())).toBeNull();
    expect(readTokens(directory)).toMatchObject([{ name: "ada" }]);
  });

  it.each([
    "operator",
    "approver",
    "system",
    "kernel",
    "Ada",
    "a b",
    "",
    "-a",
    "a".repeat(33),
    "é",
  ])("has no name like %j", (name) => {
    expect(() => addToken(directory, { name, role: "read" })).toThrow("cannot be used");
  });

  it("has a name of its own, and only one that is there can be revoked", () => {
    addToken(directory, { name: "ci", role: "propose" });
    expect(() => addToken(directory, { name: "ci", role: "approve" })).toThrow("already");
    expect(() => revokeToken(directory, "other")).toThrow("There is no token other");
  });
});

it("is not changed by two at once, so that no revocation is lost", () => {
  addToken(directory, { name: "ci", role: "propose" });
  writeFileSync(`${path}.new`, "");
  expect(() => revokeToken(directory, "ci")).toThrow("another command");
  rmSync(`${path}.new`);
  revokeToken(directory, "ci");
  expect(readTokens(directory)).toEqual([]);
});

it("is not lost with all others where the disk takes only a part of the new file", () => {
  for (const name of ["a", "b", "c", "d", "e"]) addToken(directory, { name, role: "read" });
  const program = `
    import { addToken } from ${JSON.stringify(MODULE)};
    try { addToken(process.argv[1], { name: "f", role: "read" }); } catch (error) { console.log(error.code); }`;
  // A file may have 1024 bytes: the first write takes as many, and only the next one fails.
  const script = 'ulimit -f 1; exec "$0" --input-type=module --eval "$1" "$2"';
  const said = execFileSync("bash", ["-c", script, process.execPath, program, directory], {
    encoding: "utf8",
  });
  expect(readTokens(directory)).toHaveLength(5);
  expect(said).toBe("EFBIG\n");
});

describe("the file lets nobody in", () => {
  const record = {
    name: "ci",
    role: "operate",
    sha256: "a".repeat(64),
    createdAt: "2026-01-01T00:00:00.000Z",
  };

  it.each([
    ["is no JSON", "{"],
    ["is no list", JSON.stringify(record)],
    ["names an unknown role", JSON.stringify([{ ...record, role: "root" }])],
    ["names one name twice", JSON.stringify([record, record])],
    ["takes a reserved name", JSON.stringify([{ ...record, name: "operator" }])],
    ["holds no hash", JSON.stringify([{ ...record, sha256: "" }])],
    ["holds what nobody knows", JSON.stringify([{ ...record, admin: true }])],
  ])("where it %s", (_, content) => {
    writeFileSync(path, content, { mode: 0o600 });
    expect(() => readTokens(directory)).toThrow("count for nobody");
    // And it is not written over: what it held could not be read.
    expect(() => addToken(directory, { name: "new", role: "read" })).toThrow("count for nobody");
  });

  it("where others may read it, where it is a link; and lets in once that is mended", () => {
    writeFileSync(path, JSON.stringify([record]), { mode: 0o600 });
    chmodSync(path, 0o640);
    expect(() => readTokens(directory)).toThrow("others may read");
    chmodSync(path, 0o600);
    expect(readTokens(directory)).toHaveLength(1);
    const link = mkdtempSync(join(tmpdir(), "jarvis-tokens-"));
    symlinkSync(path, join(link, "tokens.json"));
    expect(() => readTokens(link)).toThrow("no plain file");
    rmSync(link, { recursive: true });
  });

  it("where there is none", () => {
    expect(readTokens(directory)).toEqual([]);
  });
});

it("takes a token's own quota, and one by its role otherwise", () => {
  expect(callerOf("ci", "propose").quota).toMatchObject({ perMinute: 10 });
  const quota = { perMinute: 1, perHour: 1, bytesPerHour: 1, open: 1 };
  expect(callerOf("ci", "propose", quota).quota).toEqual(quota);
});

it("compares a damaged hash with nothing", () => {
  const caller = callerOf("ci", "read");
  expect(findCaller("x", [{ sha256: "", caller }])).toBeNull();
  expect(findCaller("x", [knownToken("x", caller)])).toBe(caller);
});

function known() {
  return readTokens(directory).map(({ name, role, sha256, quota }) => ({
    sha256,
    caller: callerOf(name, role, quota),
  }));
}
