import { linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";

import { describe, expect, it } from "vitest";

import { checkRequest } from "./check-request.ts";
import { runInSandbox } from "./sandbox.ts";
import { makeWorld, type World } from "./testing/world.ts";
import type { SandboxMount, SandboxRequest } from "./types.ts";

const refused: [string, (world: World) => Partial<SandboxRequest>, string][] = [
  ["no argv", () => ({ argv: [] }), "argv[0] must name a program"],
  ["an option for a program", () => ({ argv: ["-c"] }), "argv[0] must name a program"],
  ["a NUL in argv", () => ({ argv: ["true", "a\0b"] }), "argv[1] holds a NUL"],
  ["a NUL in a variable", () => ({ env: { A: "x\0--bind\0/\0/" } }), "A holds a NUL"],
  ["a NUL in cwd", () => ({ cwd: "/ws\0--share-net" }), "cwd holds a NUL"],
  ["a relative cwd", () => ({ cwd: "ws" }), "cwd must be absolute"],
  ["a variable without a name", () => ({ env: { "A=B": "x" } }), "is not a name"],
  ["a limit of nothing", () => ({ limits: { wallMs: 0 } }), "Limit wallMs must be"],
  ["a limit that is no number", () => ({ limits: { processes: NaN } }), "Limit processes must be"],
  ["a workspace that is not there", () => ({ workspace: "/no/such" }), "no such file"],
  ["a workspace that is a file", () => ({ workspace: "/etc/hostname" }), "not a directory"],
  ["a relative workspace", () => ({ workspace: "ws" }), "must be absolute"],
  ["a .git in the workspace", withGit, "holds a .git"],
  ["a mount over the system", mounting("/usr/lib/x"), "the sandbox makes itself"],
  ["a mount over /proc/sys", mounting("/proc/sys"), "the sandbox makes itself"],
  ["a mount over everything", mounting("/"), "the sandbox makes itself"],
  ["a mount over the workspace", mounting("/ws"), "would hide /ws"],
  ["a target with a way up", mounting("/out/../usr"), "not a normalized absolute path"],
  ["a target with a slash at the end", mounting("/out/"), "not a normalized absolute path"],
  ["a relative target", mounting("out"), "not a normalized absolute path"],
  ["a NUL in a target", mounting("/out\0--share-net"), "target holds a NUL"],
  ["a mount point that is not there", mounting("/ws/missing"), "found nothing"],
  ["a mount point that is a link", withLink("/ws/link"), "found a symbolic link"],
  ["a mount point behind a link", withLink("/ws/link/deep"), "found a symbolic link"],
  ["a mount point that is a file", mounting("/ws/reach.mjs"), "found a file"],
  ["a writable file", rw("ws/reach.mjs", "/out"), "is not a directory"],
  ["a writable workspace", rw("ws", "/out"), "one holds the other"],
  ["a writable part of the workspace", rw("ws/inner", "/out"), "one holds the other"],
  ["a writable parent of the workspace", rw(".", "/out"), "one holds the other"],
  ["a tmpfs without a size", tmpfsOf(0), "needs a size"],
];

describe("a request", () => {
  it.each(refused)("is refused with %s", async (_what, change, why) => {
    const world = makeWorld();
    mkdirSync(path.join(world.workspace, "inner/deep"), { recursive: true });
    const request = { argv: ["true"], workspace: world.workspace, ...change(world) };
    expect(() => checkRequest(request)).toThrow(why);
    // And never rejects: the caller gets it as an ending.
    expect(await runInSandbox(request)).toMatchObject({
      outcome: "sandbox-error",
      message: expect.stringContaining(why),
    });
  });

  it("may mount into the workspace, and into what it mounted there", () => {
    const world = makeWorld();
    mkdirSync(path.join(world.workspace, "node_modules"));
    mkdirSync(path.join(world.out, ".vite-temp"), { recursive: true });
    const mounts: SandboxMount[] = [
      { kind: "ro", source: world.out, target: "/ws/node_modules" },
      { kind: "tmpfs", target: "/ws/node_modules/.vite-temp", sizeBytes: 4096 },
      { kind: "tmpfs", target: "/scratch", sizeBytes: 4096 },
      { kind: "tmpfs", target: "/scratch/deep/er", sizeBytes: 4096 },
    ];
    const checked = checkRequest({ argv: ["true"], workspace: world.workspace, mounts });
    expect(checked.mounts.map(({ target }) => target)).toEqual([
      "/ws",
      ...mounts.map(({ target }) => target),
    ]);
  });

  it("is refused when a writable directory holds a second name of a file elsewhere", async () => {
    const world = makeWorld();
    writeFileSync(path.join(world.root, "store"), "shared");
    linkSync(path.join(world.root, "store"), path.join(world.out, "copy"));
    const mounts: SandboxMount[] = [{ kind: "rw", source: world.out, target: "/out" }];
    const result = await runInSandbox({ argv: ["true"], workspace: world.workspace, mounts });
    expect(result).toMatchObject({
      outcome: "sandbox-error",
      message: expect.stringContaining("has 2 names"),
    });
  });
});

function withGit({ workspace }: World): Partial<SandboxRequest> {
  writeFileSync(path.join(workspace, ".git"), "gitdir: elsewhere");
  return {};
}

function withLink(target: string): (world: World) => Partial<SandboxRequest> {
  return ({ workspace }) => {
    symlinkSync("inner", path.join(workspace, "link"));
    return mounting(target)();
  };
}

function mounting(target: string): () => Partial<SandboxRequest> {
  return () => ({ mounts: [{ kind: "tmpfs", target, sizeBytes: 4096 }] });
}

function tmpfsOf(sizeBytes: number): () => Partial<SandboxRequest> {
  return () => ({ mounts: [{ kind: "tmpfs", target: "/scratch", sizeBytes }] });
}

function rw(source: string, target: string): (world: World) => Partial<SandboxRequest> {
  return ({ root }) => ({ mounts: [{ kind: "rw", source: path.join(root, source), target }] });
}
