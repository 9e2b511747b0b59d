import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, linkSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";

import { describe, expect, it } from "vitest";

import { collectOutput, readOutputFile } from "./collect-output.ts";
import type { SandboxErrorCode } from "./errors.ts";
import { runInSandbox } from "./sandbox.ts";
import { isRoot, makeWorld } from "./testing/world.ts";

const plenty = { files: 100, bytes: 1_000_000 };

/** What is planted in the output directory, and the code that it is refused with. */
const planted: [string, (out: string, root: string) => void, SandboxErrorCode][] = [
  [
    "a link to a secret",
    (out, root) => symlinkSync(path.join(root, "secret"), path.join(out, "x")),
    "symlink",
  ],
  ["a link to a directory", (out, root) => symlinkSync(root, path.join(out, "x")), "symlink"],
  ["a link to nowhere", (out) => symlinkSync("nowhere", path.join(out, "x")), "symlink"],
  ["a FIFO", (out) => void execFileSync("mkfifo", [path.join(out, "x")]), "special-file"],
  [
    "a second name of a file",
    (out, root) => linkSync(path.join(root, "secret"), path.join(out, "x")),
    "hard-link",
  ],
  [
    "a file beyond the limit",
    (out) => writeFileSync(path.join(out, "x"), Buffer.alloc(1_000_001)),
    "too-many-bytes",
  ],
  ["a huge file of holes", (out) => holes(path.join(out, "x")), "too-many-bytes"],
  ["too many files", (out) => many(out, (place) => writeFileSync(place, "")), "too-many-files"],
  ["too many directories", (out) => many(out, (place) => mkdirSync(place)), "too-many-files"],
  [
    "directories without end",
    (out) => void mkdirSync(path.join(out, "d/".repeat(80)), { recursive: true }),
    "too-deep",
  ],
  ["a name with a line break", (out) => writeFileSync(path.join(out, "a\nb"), ""), "unsafe-name"],
];

describe("collecting output", () => {
  it("lists files by path, mode, size and digest", async () => {
    const { out } = makeWorld();
    mkdirSync(path.join(out, "b/c"), { recursive: true });
    mkdirSync(path.join(out, "empty"));
    writeFileSync(path.join(out, "b/c/run"), "#!/bin/sh\n", { mode: 0o755 });
    writeFileSync(path.join(out, "a.txt"), "");
    writeFileSync(path.join(out, "b.txt"), "b");
    expect(await collectOutput(out, plenty)).toEqual([
      { path: "a.txt", mode: "100644", size: 0, sha256: digest("") },
      { path: "b.txt", mode: "100644", size: 1, sha256: digest("b") },
      { path: "b/c/run", mode: "100755", size: 10, sha256: digest("#!/bin/sh\n") },
    ]);
  });

  it.each(planted)("refuses %s", async (_what, plant, code) => {
    const { out, root } = makeWorld();
    writeFileSync(path.join(root, "secret"), "secret");
    plant(out, root);
    await expect(collectOutput(out, plenty)).rejects.toMatchObject({ name: "SandboxError", code });
  });

  it("allows exactly the limits", async () => {
    const { out } = makeWorld();
    writeFileSync(path.join(out, "a"), "12345");
    writeFileSync(path.join(out, "b"), "67890");
    expect(await collectOutput(out, { files: 2, bytes: 10 })).toHaveLength(2);
    const code = (limits: typeof plenty): Promise<unknown> =>
      collectOutput(out, limits).catch((error: { code: unknown }) => error.code);
    expect(await code({ files: 1, bytes: 10 })).toBe("too-many-files");
    expect(await code({ files: 2, bytes: 9 })).toBe("too-many-bytes");
  });

  it("refuses a directory that is missing or a link", async () => {
    const { out, root } = makeWorld();
    symlinkSync(out, path.join(root, "link"));
    await expect(collectOutput(path.join(root, "no"), plenty)).rejects.toMatchObject({
      code: "missing",
    });
    await expect(collectOutput(path.join(root, "link"), plenty)).rejects.toMatchObject({
      code: "not-a-directory",
    });
  });

  it("reads what a sandbox wrote, whoever started it", async () => {
    const { workspace, out } = makeWorld();
    const argv = [
      "sh",
      "-c",
      "umask 077; mkdir /out/d; echo built > /out/d/file; chmod 4711 /out/d/file",
    ];
    await runInSandbox({ argv, workspace, mounts: [{ kind: "rw", source: out, target: "/out" }] });
    if (!isRoot) chmodSync(path.join(out, "d/file"), 0o700); // its own user cannot read 0711 either way
    expect(await collectOutput(out, plenty)).toEqual([
      { path: "d/file", mode: "100755", size: 6, sha256: digest("built\n") },
    ]);
  });
});

describe("reading one file", () => {
  it("gives its bytes up to a limit", async () => {
    const { out } = makeWorld();
    writeFileSync(path.join(out, "report.json"), "{}");
    expect((await readOutputFile(out, "report.json", 2)).toString()).toBe("{}");
    await expect(readOutputFile(out, "report.json", 1)).rejects.toMatchObject({
      code: "too-many-bytes",
    });
  });

  it.each([
    ["../secret", "unsafe-name"],
    ["..", "unsafe-name"],
    [".", "unsafe-name"],
    ["", "unsafe-name"],
    ["d/x", "unsafe-name"],
    ["a\0b", "unsafe-name"],
    ["none", "missing"],
    ["link", "symlink"],
    ["fifo", "special-file"],
    ["second", "hard-link"],
    ["d", "special-file"],
  ])("refuses %j as %s", async (name, code) => {
    const { out, root } = makeWorld();
    writeFileSync(path.join(root, "secret"), "secret");
    symlinkSync("../secret", path.join(out, "link"));
    linkSync(path.join(root, "secret"), path.join(out, "second"));
    execFileSync("mkfifo", [path.join(out, "fifo")]);
    mkdirSync(path.join(out, "d"));
    await expect(readOutputFile(out, name, 100)).rejects.toMatchObject({ code });
  });
});

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function holes(place: string): void {
  writeFileSync(place, "");
  truncateSync(place, 10_000_000_000);
}

function many(out: string, make: (place: string) => void): void {
  for (let index = 0; index < 101; index++) make(path.join(out, String(index)));
}
