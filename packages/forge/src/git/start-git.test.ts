import { execFileSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";

import {
  forgeWorld,
  git,
  gitRefusal,
  temporaryDirectory,
  withToken,
} from "../testing/forge-world.ts";
import { createGit, type Git } from "./git.ts";

describe("a git that cannot be started", () => {
  it("is a refusal of that request, and the forge goes on", async () => {
    const programs = join(await temporaryDirectory(), "bin");
    onTestFinished(() => rm(join(programs, ".."), { recursive: true }));
    await mkdir(programs);
    const real = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
    await symlink(real, join(programs, "git"));
    // For the hook.
    await symlink("/bin/cat", join(programs, "cat"));
    await using world = await forgeWorld({ executablePath: programs });
    const remote = withToken(world.forge, world.forge.token);

    await rm(join(programs, "git"));
    expect(await gitRefusal(world.seed, "ls-remote", remote)).toContain("500");
    expect(await gitRefusal(world.seed, "push", remote, "HEAD:refs/heads/a")).toContain("500");
    await expect(world.octokit.repos.listCommits(world.repo)).rejects.toMatchObject({
      status: 500,
    });

    await symlink(real, join(programs, "git"));
    await git(world.seed, "push", "--quiet", remote, "HEAD:refs/heads/a");
    expect(await git(world.seed, "ls-remote", remote, "refs/heads/a")).toContain(world.seedCommit);
  });

  it.each<[string, (git: Git) => Promise<unknown>]>([
    ["for one answer", (here) => here.run(["version"])],
    ["to stay", (here) => here.ask(["cat-file", "--batch"], "HEAD\n", () => true)],
  ])("says so where no descriptor is left, %s", async (_what, start) => {
    const directory = await temporaryDirectory();
    onTestFinished(() => rm(directory, { recursive: true }));
    execFileSync("git", ["init", "--quiet", "--bare", directory]);
    const repository = createGit({ gitDirectory: directory });
    const giveBack = takeDescriptors();
    const started = await start(repository).catch((error: unknown) => error);
    giveBack();
    expect(started).toMatchObject({ name: "ForgeError", code: "git-failed" });
    expect(String(started)).toContain("could not be started (EMFILE)");
    await start(repository);
    await repository.end();
  });

  it("says so where it is told more than the kernel hands on", async () => {
    const here = createGit({ gitDirectory: "/nonexistent" });
    const env = { LONG: "x".repeat(200_000) };
    await expect(here.run(["version"], { env })).rejects.toThrow("could not be started (E2BIG)");
  });
});

/** Leaves this process no descriptor but those that it has, until what is answered is called. */
function takeDescriptors(): () => void {
  const self = ["--pid", String(process.pid)];
  const query = [...self, "--nofile", "--noheadings", "--raw", "--output=SOFT"];
  const before = execFileSync("prlimit", query, { encoding: "utf8" }).trim();
  // Few enough to take them all.
  execFileSync("prlimit", [...self, "--nofile=200:"]);
  const taken: number[] = [];
  try {
    for (;;) taken.push(openSync("/dev/null", "r"));
  } catch {
    // None is left.
  }
  return () => {
    for (const descriptor of taken) closeSync(descriptor);
    execFileSync("prlimit", [...self, `--nofile=${before}:`]);
  };
}
