import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { readDescription, typesOf } from "../scripts/generate-api.mjs";

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");

it("is written against the API that the kernel has (pnpm --filter @jarvis/dashboard api)", async () => {
  const description = readDescription();
  expect(JSON.parse(read("openapi.json"))).toEqual(JSON.parse(description));
  expect(read("src/api/schema.ts")).toBe(await typesOf(description));
});
