import { expect, it } from "vitest";
import { openedAtOnce } from "./opened-at-once.ts";

const files = (...counts: number[]) =>
  counts.map((length) => ({ lines: Array.from({ length }, () => null) }));

it.each([
  ["all of a small patch", [2, 3], [true, true]],
  ["what comes first, as far as it goes", [4, 7, 1], [true, false, false]],
  ["nothing of one file that is too large", [11], [false]],
])("opens %s", (_, counts, opened) => {
  expect(openedAtOnce(files(...counts), 10)).toEqual(opened);
});
