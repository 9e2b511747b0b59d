import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const tracked = execFileSync("git", ["-c", "safe.directory=*", "-C", root, "ls-files", "-z"], {
  encoding: "utf8",
})
  .split("\0")
  .filter((path) => path !== "");

describe("what is committed", () => {
  it("holds no state, no build output and no environment files", () => {
    const unwanted =
      /(^|\/)(dist|node_modules|\.jarvis|\.turbo|coverage)\/|\.tsbuildinfo$|(^|\/)\.env/;
    expect(tracked.filter((path) => unwanted.test(path))).toEqual([]);
  });

  it("has a lockfile that names no machine and no registry host", () => {
    const lockfile = readFileSync(new URL("../pnpm-lock.yaml", import.meta.url), "utf8");
    expect(lockfile).not.toMatch(/tarball:|https?:\/\/(?!github\.com)|file:\/|\/home\/|\/root\//);
  });

  it("has one version of every dependency that packages share", () => {
    const manifests = tracked.filter((path) =>
      /^(packages|apps)\/[^/]+\/package\.json$/.test(path),
    );
    const versions = manifests.flatMap((path) => {
      const manifest = JSON.parse(readFileSync(`${root}/${path}`, "utf8")) as Record<
        string,
        Record<string, string> | undefined
      >;
      return [
        ...Object.entries(manifest["dependencies"] ?? {}),
        ...Object.entries(manifest["devDependencies"] ?? {}),
        ...Object.entries(manifest["optionalDependencies"] ?? {}),
      ].map(([name, version]) => ({ path, name, version }));
    });
    const own = versions.filter(
      ({ path, name, version }) =>
        version !== "catalog:" &&
        version !== "workspace:*" &&
        // The generator of the page's client needs a compiler with an interface, which 7 has not.
        !(path === "apps/dashboard/package.json" && name === "typescript"),
    );
    expect(own).toEqual([]);
  });
});
