import { describe, expect, it } from "vitest";

import { parseDate } from "./commit.ts";
import { isRefName, isTreeEntryName } from "./names.ts";

describe("a ref name", () => {
  it.each(["main", "feature/x", "a.b", "refs/heads/ü", "v1-2_3@home"])("may be %j", (name) => {
    expect(isRefName(name)).toBe(true);
  });

  it.each(["", "@", "a..b", ".a", "a/.b", "a.lock", "a/b.lock/c", "a b", "a~1", "a^", "a:b", "a?"])(
    "may not be %j",
    (name) => expect(isRefName(name)).toBe(false),
  );

  it.each(["a*", "a[", "a\\b", "a@{1}", "/a", "a/", "a//b", "a.", "-a", "a\u0000b", "a\u007fb"])(
    "may not be %j either",
    (name) => expect(isRefName(name)).toBe(false),
  );
});

describe("a name in a tree", () => {
  it.each(["a", ".gitignore", "git", ".github", "a b", "ü"])("may be %j", (name) => {
    expect(isTreeEntryName(name)).toBe(true);
  });

  it.each(["", ".", "..", ".git", ".GIT", ".git.", ".git ", "git~1", ".g\u200cit", ".git::$INDEX"])(
    "may not be %j",
    (name) => expect(isTreeEntryName(name)).toBe(false),
  );
});

describe("a date", () => {
  it.each([
    ["2024-05-01T10:00:00Z", 1714557600, "+0000"],
    ["2024-05-01T10:00:00+02:00", 1714550400, "+0200"],
    ["2024-05-01T10:00:00.999-0330", 1714570200, "-0330"],
  ])("%s keeps its offset", (text, timestampSeconds, offset) => {
    expect(parseDate(text)).toEqual({ timestampSeconds, offset });
  });

  it.each(["yesterday", "2024-13-01T10:00:00Z", "1969-01-01T00:00:00Z", "2024-05-01"])(
    "%s is none",
    (text) => expect(parseDate(text)).toBeUndefined(),
  );
});
