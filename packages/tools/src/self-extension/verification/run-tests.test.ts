import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SandboxMount } from "@jarvis/sandbox";
import { expect, it } from "vitest";
import type { TestStage } from "../guard-config.ts";
import { runTests } from "./run-tests.ts";

const stage: TestStage = {
  kind: "test",
  name: "tests",
  runner: "node-test",
  argv: ["node", "--test"],
  tests: ["test/*.test.js"],
};

it("shares no file with a run beside it: neither the reporter nor where the report goes", async () => {
  const scratch = mkdtempSync(join(tmpdir(), "jarvis-run-"));
  const mounted: SandboxMount[][] = [];
  const tools = {
    scratch,
    signal: new AbortController().signal,
    // What is asked of the sandbox is all that this looks at; it ends before it began.
    run: async ({ mounts = [] }: { mounts?: readonly SandboxMount[] }) => {
      mounted.push([...mounts]);
      return await Promise.resolve({ outcome: "aborted" } as never);
    },
  };
  const world = { directory: scratch, mounts: [], paths: [] };
  await Promise.all(
    ["a", "b"].map(async (label) => await runTests(stage, world, [], { ...tools, label })),
  );
  const sources = mounted.flat().map((mount) => ("source" in mount ? mount.source : mount.target));
  expect(sources).toHaveLength(4);
  expect(new Set(sources).size).toBe(4);
  rmSync(scratch, { recursive: true, force: true });
});
