import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

import { onTestFinished } from "vitest";

import { removeOutput } from "../remove-output.ts";

/** Directories of one test, removed when it has finished. */
export interface World {
  root: string;
  workspace: string;
  /** A second directory, for output or whatever else is to be mounted. */
  out: string;
  /** Makes a file in the workspace, and its directories. */
  write: (name: string, content: string | Buffer, mode?: number) => void;
}

/** A world with the hostile programs in the workspace. Like every mkdtemp it is closed to others. */
export function makeWorld(prefix = "jarvis-test-", parent = os.tmpdir()): World {
  const root = mkdtempSync(path.join(parent, prefix));
  onTestFinished(() => removeOutput(root));
  const workspace = path.join(root, "ws");
  const out = path.join(root, "out");
  mkdirSync(out);
  cpSync(path.join(import.meta.dirname, "hostile"), workspace, { recursive: true });
  return {
    root,
    workspace,
    out,
    write: (name, content, mode = 0o644) => {
      const place = path.join(workspace, name);
      mkdirSync(path.dirname(place), { recursive: true });
      writeFileSync(place, content, { mode });
    },
  };
}

export const isRoot = process.geteuid?.() === 0;
