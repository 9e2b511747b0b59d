import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import { expect, it } from "vitest";

import { removeOutput } from "./remove-output.ts";
import { runInSandbox } from "./sandbox.ts";
import { makeWorld } from "./testing/world.ts";

it("removes what a sandbox left, however it was left, and nothing else", async () => {
  const { root, workspace, out } = makeWorld();
  const kept = path.join(root, "kept");
  writeFileSync(kept, "kept", { mode: 0o600 });
  const script = `
    ln -s "$1" link; ln -s / root
    mkdir closed && echo x > closed/file && chmod 0 closed
    n=0; while [ $n -lt 500 ]; do mkdir -p dddddddddd/e && cd dddddddddd/e; n=$((n + 1)); done`;
  const result = await runInSandbox({
    argv: ["sh", "-c", script, "sh", kept],
    workspace,
    cwd: "/out",
    mounts: [{ kind: "rw", source: out, target: "/out" }],
  });
  // Nested without end is one way to hide from the watch of the disk, and counts as beyond it.
  expect(result).toMatchObject({ outcome: "killed", reason: "disk-limit" });

  await removeOutput(out);
  await removeOutput(out);

  expect(existsSync(out)).toBe(false);
  expect(readFileSync(kept, "utf8")).toBe("kept");
});
