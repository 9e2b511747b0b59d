import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { blockReasonMeanings } from "../packages/tools/src/self-extension/block-reasons.ts";

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");

const root = fileURLToPath(new URL("..", import.meta.url));
const filesOf = (pattern: string): string[] => {
  const list = ["ls-files", "-co", "--exclude-standard", pattern];
  const git = ["-c", "safe.directory=*", "-C", root, ...list];
  return execFileSync("git", git, { encoding: "utf8" }).trim().split("\n");
};
const testFiles = filesOf("*.test.*");
const citing = ["README.md", "SECURITY.md", "docs/guarantees.md"];

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
      ...citing
        .map(read)
        .join("\n")
        .matchAll(/`([\w./-]+\.test\.(?:ts|mjs))`/g),
    ];
    expect(cited.length).toBeGreaterThan(10);
    const missing = cited
      .map(([, path = ""]) => path)
      .filter((path) => filesCitedAs(path).length === 0);
    expect(missing).toEqual([]);
  });

  it("cites their titles as they are", () => {
    const cited = citing.flatMap((path) => citedTitles(read(path)));
    expect(cited.length).toBeGreaterThan(150);
    const missing = cited
      .filter(({ path, title }) => !isTitleIn(filesCitedAs(path).map(read).join("\n"), title))
      .map(({ path, title }) => `${path}: ${title}`);
    expect(missing).toEqual([]);
  });

  it("leads nowhere that is not there", () => {
    const pages = filesOf("*.md");
    expect(pages.length).toBeGreaterThan(20);
    expect(pages.flatMap((page) => deadLinksOf(page, read(page)))).toEqual([]);
  });

  it.each([
    ["[the start](#two-commands)", []],
    ["[the ledger](docs/ledger.md#known-and-not-closed)", []],
    ["![the loop](docs/loop.svg)", []],
    ["[a folder](docs/decisions/)", []],
    ["[elsewhere](https://example.org/missing.md)", []],
    ["```\n[in code](missing.md)\n```", []],
    ["[a file](missing.md)", ["missing.md"]],
    ["[a heading](#missing)", ["#missing"]],
    ["[a heading of a file](docs/ledger.md#missing)", ["docs/ledger.md#missing"]],
  ])("follows %j", (text, dead) => {
    const links = deadLinksOf("README.md", `${text}\n\n## Two commands\n`);
    expect(links).toEqual(dead.map((link) => `README.md: ${link}`));
  });

  it.each([
    ["a cat sleeps", true],
    ["a cat sleeps; then it eats", true],
    ["an animal a cat sleeps; then it eats", true],
    ["counts 12 mice before it eats", true],
    ["counts %s mice", true],
    ["a dog sleeps", false],
    ["then it eats", false],
    ["a cat sle", false],
    ["counts mice", false],
  ])("takes %j for a title: %s", (title, expected) => {
    const file =
      'describe("an animal", () => { it("a cat sleeps; then it eats", eat); it("counts %s mice before it eats", eat); });';
    expect(isTitleIn(file, title)).toBe(expected);
  });
});

/** The links of a page to files and headings that are not there; addresses elsewhere are left alone. */
function deadLinksOf(page: string, text: string): string[] {
  const prose = withoutCode(text);
  const links = [...prose.matchAll(/\]\(([^()\s]+)\)/g)].map(([, link = ""]) => link);
  return links.filter((link) => !isThere(page, prose, link)).map((link) => `${page}: ${link}`);
}

function isThere(page: string, prose: string, link: string): boolean {
  if (/^[a-z]+:/.test(link)) return true;
  const [path = "", anchor] = link.split("#");
  const target = posix.join(posix.dirname(page), path);
  if (path !== "" && !existsSync(new URL(`../${target}`, import.meta.url))) return false;
  if (anchor === undefined) return true;
  return anchorsOf(path === "" ? prose : withoutCode(read(target))).includes(anchor);
}

/** The anchors that GitHub gives to headings: small letters, without punctuation, spaces as hyphens. */
function anchorsOf(prose: string): string[] {
  const headings = [...prose.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) => heading);
  return headings.map((heading) =>
    heading
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
      .replaceAll(" ", "-"),
  );
}

function withoutCode(text: string): string {
  return text.replaceAll(/^( *)(```+)[^\n]*\n[\s\S]*?^\1\2$/gm, "");
}

/** `file`: title; title. Or: `the same: title`, of the file that was named before. */
function citedTitles(text: string): { path: string; title: string }[] {
  const citation =
    /(?:`([\w./-]+\.test\.ts)`|(?<=[|;] )the same)(?:: ((?:(?!`[\w./-]+\.test\.)[^|\n])*))?/g;
  let path = "";
  return [...text.matchAll(citation)].flatMap(([, named, titles = ""]) => {
    path = named ?? path;
    const file = filesCitedAs(path).map(read).join("\n");
    const parts = titles
      // What follows the brackets that it stands in is no part of it.
      .replace(/^([^()]*)\).*$/, "$1")
      .split("; ")
      .map(titleAlone)
      // The name of another kind of file.
      .filter((title) => !/^(?:`|the same\b|$)/.test(title));
    const cited: { path: string; title: string }[] = [];
    while (parts.length > 0) {
      // A title may have a semicolon of its own.
      const whole = isTitleIn(file, parts.slice(0, 2).join("; ")) ? 2 : 1;
      cited.push({ path, title: parts.splice(0, whole).join("; ") });
    }
    return cited;
  });
}

/** Without a remark in brackets, and without the end of the sentence it stands in. */
function titleAlone(text: string): string {
  return text
    .replace(/\([^)]* [^)]*\)\s*$/, "")
    .trim()
    .replace(/[.;]$/, "");
}

/** Cited in short: `tools/pipeline.test.ts` is a file of that name somewhere in packages/tools. */
function filesCitedAs(path: string): string[] {
  const [owner = "", ...rest] = path.split("/");
  return testFiles.filter(
    (file) =>
      file === path || (`/${file}`.includes(`/${owner}/`) && file.endsWith(`/${rest.join("/")}`)),
  );
}

/** What a table or a template fills into a title. */
const filled = /%[sdfij]|\$\{[^}]*\}|\$[a-z][\w.]*/gi;

/**
 * Whether a test file has a title of these words: that of a suite or a test, or the name of a row of a
 * table, or some of these one after another, as a report prints them. The end of one may be left out
 * after a word, and what is filled in may be anything.
 */
function isTitleIn(file: string, title: string): boolean {
  const strings =
    /((?:\b(?:it|describe|test)(?:\.\w+)*|\))\(\s*)?(?:"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g;
  const whole = new RegExp(`^${patternOf(title)}(?!\\w)`);
  const known = new Set<string>();
  for (const [, call, quoted, template] of file.matchAll(strings)) {
    const text = (quoted ?? template ?? "").replaceAll(/\\(.)/g, "$1");
    if (call !== undefined && whole.test(text)) return true;
    if (/[a-z]{2}/i.test(text.replaceAll(filled, ""))) {
      known.add(call === undefined ? escape(text) : patternOf(text));
    }
  }
  const one = `(?:${[...known].join("|")})`;
  return new RegExp(`^${one}(?: ${one})*$`).test(title);
}

function patternOf(title: string): string {
  return title.split(filled).map(escape).join(".+");
}

function escape(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}
