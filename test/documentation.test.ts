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
    const missing = cited
      .map(([, path = ""]) => path)
      .filter((path) => filesCitedAs(path).length === 0);
    expect(missing).toEqual([]);
  });

  it("cites their titles as they are", () => {
    const table = read("README.md")
      .split("\n")
      .filter((line) => line.startsWith("| ") && line.includes(".test.ts`:"));
    expect(table.length).toBeGreaterThan(50);
    const missing = table.flatMap((line) =>
      [...line.matchAll(/`([\w./-]+\.test\.ts)`: ([^`|]*)/g)].flatMap(
        ([, path = "", titles = ""]) => {
          const text = filesCitedAs(path).map(read).join("\n");
          return (
            titles
              .split(";")
              // A remark in brackets may follow.
              .map((title) => title.replace(/\($|\([^)]* [^)]*\)\s*$/, "").trim())
              .filter((title) => !isTitleIn(text, title))
              .map((title) => `${path}: ${title}`)
          );
        },
      ),
    );
    expect(missing).toEqual([]);
  });
});

/** Cited in short: `tools/pipeline.test.ts` is a file of that name somewhere in packages/tools. */
function filesCitedAs(path: string): string[] {
  const [owner = "", ...rest] = path.split("/");
  return testFiles.filter(
    (file) =>
      file === path || (`/${file}`.includes(`/${owner}/`) && file.endsWith(`/${rest.join("/")}`)),
  );
}

/** Whether the fixed parts of a title, what is filled in left out, stand in the text. */
function isTitleIn(text: string, title: string): boolean {
  return title
    .split(/%[sfij]|\$\w+|\d{2,}/)
    .map((part) => part.trim())
    .every((part) => text.includes(part) || text.includes(part.replaceAll('"', '\\"')));
}
