import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { blockReasonMeanings } from "../packages/tools/src/self-extension/block-reasons.ts";

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");

const root = fileURLToPath(new URL("..", import.meta.url));
const list = [
  "-c",
  "safe.directory=*",
  "-C",
  root,
  "ls-files",
  "-co",
  "--exclude-standard",
  "*.test.*",
];
const testFiles = execFileSync("git", list, { encoding: "utf8" }).trim().split("\n");

describe("the documentation", () => {
  it("explains every block reason in the words of the code", () => {
    const rows = new Map(
      [...read("ARCHITECTURE.md").matchAll(/^\| `([a-z-]+)` *\|[^|]*\| (.*?) *\|$/gm)].map(
        ([, reason = "", meaning = ""]) => [reason, meaning],
      ),
    );
    for (const [reason, meaning] of Object.entries(blockReasonMeanings)) {
      expect({ reason, meaning: rows.get(reason) }).toEqual({ reason, meaning });
    }
  });

  it("names only tests that are there", () => {
    const cited = [
      ...`${read("README.md")}${read("SECURITY.md")}`.matchAll(/`([\w./-]+\.test\.(?:ts|mjs))`/g),
    ];
    expect(cited.length).toBeGreaterThan(10);
    // Cited in short: `tools/pipeline.test.ts` is a file of that name somewhere in packages/tools.
    const missing = cited
      .map(([, path = ""]) => path)
      .filter((path) => {
        const [owner = "", ...rest] = path.split("/");
        return !testFiles.some(
          (file) =>
            file === path ||
            (`/${file}`.includes(`/${owner}/`) && file.endsWith(`/${rest.join("/")}`)),
        );
      });
    expect(missing).toEqual([]);
  });
});
