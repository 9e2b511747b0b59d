import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const program = fileURLToPath(new URL("../scripts/start.mjs", import.meta.url));

it("`npm start` says what it does, and begins nothing where it was asked for something else", () => {
  const run = (argument: string) =>
    spawnSync(process.execPath, [program, argument], { encoding: "utf8" });
  expect(run("--help")).toMatchObject({ status: 0, stdout: expect.stringContaining("--once") });
  for (const argument of ["--onec", "demo", "--once=yes"]) {
    const { status, stdout, stderr } = run(argument);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(/^jarvis: .*--once/s);
  }
});
