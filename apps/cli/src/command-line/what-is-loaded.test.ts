import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const PROGRAM = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

// What a command loads is what it costs: with the database and all that judges it is several times as much.
it.each([
  [["--help"], []],
  [
    ["status", "--state-dir", "/proc/nowhere"],
    ["drizzle-orm", "zod"],
  ],
  [["goal", "list", "--state-dir", "/proc/nowhere"], ["zod"]],
  [["propose", "--patch", PROGRAM, "--state-dir", "/proc/nowhere"], ["zod"]],
])("%j loads %j", (args, expected) => {
  const loaded = loadedBy(args);
  expect(loaded.some((url) => url.includes("/commander/"))).toBe(true);
  const heavy = ["drizzle-orm", "zod", "@dbos-inc", "@octokit", "@modelcontextprotocol"];
  const found = heavy.filter((name) =>
    loaded.some((url) => url.includes(`/node_modules/${name}/`)),
  );
  expect(found).toEqual(expected);
});

/** The modules that the program loaded until it ended, however it ended. */
function loadedBy(args: readonly string[]): string[] {
  const tell = moduleOf(
    `import { writeSync } from "node:fs";
     export const load = (url, context, next) => (writeSync(2, "loaded " + url + "\\n"), next(url, context));`,
  );
  const register = moduleOf(
    `import { register } from "node:module"; register(${JSON.stringify(tell)});`,
  );
  const { stderr } = spawnSync(process.execPath, ["--import", register, PROGRAM, ...args], {
    encoding: "utf8",
  });
  return stderr.split("\n").filter((line) => line.startsWith("loaded "));
}

function moduleOf(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`;
}
