import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { filesDigest } from "../../files-digest.ts";
import type { BodyRelease } from "../body/release-world.ts";
import { prepareKernel, pruneKernels } from "./kernel-directory.ts";

let root: string;
let kernels: string;
let release: BodyRelease;

const write = (path: string, content: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
};
const link = (path: string, target: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  symlinkSync(target, join(root, path));
};
const module = (answer: string): string => `export const answer = ${JSON.stringify(answer)};\n`;
const manifest = '{"type":"module","exports":"./index.js"}';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "jarvis-kernel-"));
  kernels = join(root, "state/releases/kernels");
  // A program of a workspace that uses a package of its own, a linked one and one that lies there.
  write("release/package.json", '{"type":"module"}');
  write("release/packages/own/package.json", manifest);
  write("release/packages/own/index.js", module("of this release"));
  write(
    "release/apps/main.js",
    `import { answer as own } from "@ws/own";
import { answer as linked } from "linked";
import { answer as plain } from "plain";
console.log([own, linked, plain].join());
`,
  );
  for (const path of ["node_modules", "apps/node_modules"]) {
    mkdirSync(join(root, "release", path));
  }
  const store = "dependencies/node_modules/.pnpm/linked@1/node_modules/linked";
  for (const place of [store, "dependencies/apps/node_modules/plain"]) {
    write(`${place}/package.json`, manifest);
    write(`${place}/index.js`, module(place.endsWith("plain") ? "plain" : "linked"));
  }
  link("dependencies/apps/node_modules/@ws/own", "../../../packages/own");
  link(
    "dependencies/apps/node_modules/linked",
    "../../node_modules/.pnpm/linked@1/node_modules/linked",
  );
  write("dependencies/packages/own/package.json", manifest);
  write("dependencies/packages/own/index.js", module("of nobody"));
  release = {
    directory: join(root, "release"),
    digest: "sha256:one",
    dependencies: {
      directory: join(root, "dependencies"),
      // A package of the lockfile that the tree has no folder for.
      nodeModules: ["apps/node_modules", "gone/node_modules", "node_modules"],
    },
  };
});

afterEach(() => {
  execFileSync("chmod", ["-R", "u+rwX", root]);
  rmSync(root, { recursive: true, force: true });
});

describe("a release that is laid out as the kernel", () => {
  it("runs, with its own packages and the dependencies that it was tested with", async () => {
    const { directory } = await prepareKernel(kernels, release);
    const said = execFileSync(process.execPath, [join(directory, "apps/main.js")], {
      encoding: "utf8",
    });
    expect(said).toBe("of this release,linked,plain\n");
  });

  it("is a read-only copy: the release keeps its only name", async () => {
    const laid = await prepareKernel(kernels, release);
    expect(laid).toEqual({
      directory: join(kernels, "sha256-one"),
      filesDigest: filesDigest(release.directory),
    });
    expect(statSync(join(release.directory, "apps/main.js")).nlink).toBe(1);
    expect(statSync(join(laid.directory, "apps")).mode & 0o222).toBe(0);
    expect(readdirSync(kernels)).toEqual(["sha256-one"]);
  });

  it("is laid out once, and anew where it was changed", async () => {
    const { directory, filesDigest: expected } = await prepareKernel(kernels, release);
    const made = statSync(directory).ino;
    await prepareKernel(kernels, release);
    expect(statSync(directory).ino).toBe(made);
    chmodSync(join(directory, "apps"), 0o755);
    writeFileSync(join(directory, "apps/added.js"), "");
    expect(filesDigest(directory)).not.toBe(expected);
    await prepareKernel(kernels, release);
    expect(filesDigest(directory)).toBe(expected);
  });

  it("goes when nobody names it, with what a crash left half made", async () => {
    const kept = await prepareKernel(kernels, release);
    await prepareKernel(kernels, { ...release, digest: "sha256:two" });
    mkdirSync(join(kernels, ".new-half"));
    await pruneKernels(kernels, [kept.directory]);
    expect(readdirSync(kernels)).toEqual(["sha256-one"]);
    await pruneKernels(join(root, "nowhere"), []);
  });
});
