import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { runGit } from "./run-git.ts";

const MODULE = new URL("../../../dist/self-extension/git/run-git.js", import.meta.url).href;

it("fails with the call where there is no git", async () => {
  const failure = runGit(["version"], { gitDir: "/nowhere", env: { PATH: "/nowhere" } });
  await expect(failure).rejects.toMatchObject({ code: "git-failed" });
});

it("fails with the call where its arguments are too long", async () => {
  const failure = runGit(["version", "x".repeat(4_000_000)], { gitDir: "/nowhere" });
  await expect(failure).rejects.toMatchObject({ code: "git-failed" });
});

it("fails with the call where this process has no descriptors left", () => {
  // In a process of its own, which has none: nothing but the answer may end it.
  const exhausted = `
    import { openSync } from "node:fs";
    import { runGit } from ${JSON.stringify(MODULE)};
    try { for (;;) openSync("/dev/null", "r"); } catch {}
    const failed = await runGit(["version"], { gitDir: "/nowhere" }).catch((error) => error);
    process.on("exit", () => console.log(failed.code, failed.message));`;
  const script = 'ulimit -n 400; exec "$0" --input-type=module --eval "$1"';
  const said = execFileSync("bash", ["-c", script, process.execPath, exhausted], {
    encoding: "utf8",
  });
  expect(said).toMatch(/^git-failed .*EMFILE/);
});
