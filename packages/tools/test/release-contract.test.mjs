// Runs on the built output, not on the sources: what is released is what is examined.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";

const source = new URL("../src/builtin/", import.meta.url);
const built = new URL("../dist/builtin/", import.meta.url);

for (const name of readdirSync(source)) {
  // The tool itself, without the executor that a program needs: this asks what it answers.
  const { tool } = await import(new URL(`${name}/tool.js`, built));
  const file = JSON.parse(readFileSync(new URL(`${name}/examples.json`, source), "utf8"));
  // Whoever takes the tool away takes these tests with it: they are made of that file.
  const path = `packages/tools/src/builtin/${name}/examples.json`;
  for (const [index, example] of file.examples.entries()) {
    void test(`${path}: the built output answers example ${index + 1}`, async () => {
      const call = tool.execute(example.input, { signal: AbortSignal.timeout(5000) });
      if (example.error === undefined) assert.deepEqual(await call, example.output);
      else await assert.rejects(call, (error) => error.message.includes(example.error));
    });
  }
}
