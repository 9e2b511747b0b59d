import { rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { BODY_WORKSPACE } from "../../body-workspace.ts";
import { tool } from "./tool.ts";

const signal = new AbortController().signal;
const folder = `test-${process.pid}`;
const run = async (input: object) => await tool.execute(input, { signal });

afterAll(async () => {
  await rm(join(BODY_WORKSPACE, folder), { recursive: true, force: true });
});

describe("files", () => {
  it("writes, lists, reads and removes in the workspace", async () => {
    const path = `${folder}/deep/a.txt`;
    expect(await run({ do: "write", path, content: "Grüße" })).toEqual({ bytes: 7 });
    expect(await run({ do: "list", path: folder })).toEqual({ entries: ["deep/"] });
    expect(await run({ do: "read", path })).toEqual({ content: "Grüße", isWhole: true });
    expect(await run({ do: "remove", path })).toEqual({ removed: true });
    await expect(run({ do: "read", path })).rejects.toThrow("ENOENT");
  });

  it.each(["../x", "a/../../x", "/etc/passwd", "a\\..\\x", "a\0b", "./x"])(
    "does not leave it by %j",
    async (path) => {
      await expect(run({ do: "read", path })).rejects.toThrow("cannot read its input: path");
    },
  );

  it("does not leave it by a link", async () => {
    const root = join(BODY_WORKSPACE, folder);
    await run({ do: "write", path: `${folder}/b.txt`, content: "" });
    await symlink("/etc", join(root, "out"));
    await symlink("/etc/passwd", join(root, "file"));
    await expect(run({ do: "read", path: `${folder}/out/passwd` })).rejects.toThrow("a link");
    await expect(run({ do: "read", path: `${folder}/file` })).rejects.toThrow("ELOOP");
    const write = { do: "write", path: `${folder}/file`, content: "x" };
    await expect(run(write)).rejects.toThrow("ELOOP");
  });
});
