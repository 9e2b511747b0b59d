import { chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { lstat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { openBodyWorkspace } from "./body-workspace.ts";

const root = mkdtempSync(join(tmpdir(), "jarvis-own-workspace-"));

afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

it("makes a directory for this user alone, and takes it again", async () => {
  const directory = join(root, "new");
  expect(await openBodyWorkspace(directory)).toBe(directory);
  expect((await lstat(directory)).mode & 0o777).toBe(0o700);
  expect(await openBodyWorkspace(directory)).toBe(directory);
});

it("does not take a link that somebody laid there", async () => {
  const directory = join(root, "link");
  symlinkSync("/tmp", directory);
  await expect(openBodyWorkspace(directory)).rejects.toThrow(
    "is not a directory of this user; remove it",
  );
});

it("does not take another user's directory", async () => {
  await expect(openBodyWorkspace(anothers())).rejects.toThrow("not a directory of this user");
});

/** Root owns nearly everything and can give a directory away; for anybody else there is root's. */
function anothers(): string {
  if (process.getuid?.() !== 0) return "/usr";
  const directory = join(root, "given-away");
  mkdirSync(directory);
  chownSync(directory, 65534, 65534);
  return directory;
}
