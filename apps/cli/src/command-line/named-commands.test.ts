import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  blockReasonMeanings,
  blockReasons,
  standingOfSwitches,
  wayOut,
  type Standing,
  type WayOutState,
} from "@jarvis/tools/self-extension";
import { afterAll, beforeAll, expect, it } from "vitest";
import { exitCodes } from "../outcome.ts";
import { jarvis } from "./jarvis.ts";

const clear = standingOfSwitches({
  kernel: "answers",
  mode: "execute",
  killed: false,
  paused: false,
});
const runId = "01890a5d-ac96-774b-bcce-b302099a8057";
const hold = (id: string, kind: "goal" | "base") => ({ holds: [{ id, kind, title: "t" }] });
const base = (standing: "unverified" | "rewritten") => ({
  base: { sha: "b".repeat(40), standing },
});

/** One standing for each way out; runs wait for every reason there is. */
const standings: readonly Partial<Standing>[] = [
  { kernel: "silent" },
  { kernel: "stopped" },
  { sandbox: { available: false, message: null } },
  base("unverified"),
  base("rewritten"),
  { servingProblem: "none serves" },
  { mode: "observe", killed: true },
  { mode: "observe" },
  { paused: true },
  { unreverted: { id: runId, title: "t", revert: null } },
  hold(runId, "base"),
  hold("goal:01890a5d-ac96-774b-bcce-b302099a8057", "goal"),
  ...blockReasons.map((reason) => ({
    runs: [{ runId, blockReasons: [reason], pullRequestUrl: null }],
  })),
];

const waysOut = standings.map((facts) => wayOut({ ...clear, ...facts }));
const meanings = Object.values(blockReasonMeanings).flatMap((meaning) =>
  [...meaning.matchAll(/`(jarvis [^`]+)`/g)].map(([, command]) => command ?? ""),
);
const named = new Set([...waysOut.flatMap(({ command }) => command ?? []), ...meanings]);
// It would start; that it can is what `npm start` shows.
named.delete("jarvis up");

let stateDirectory: string;
beforeAll(() => {
  stateDirectory = mkdtempSync(join(tmpdir(), "jarvis-named-"));
});
afterAll(() => rmSync(stateDirectory, { recursive: true }));

async function exitCodeOf(command: string): Promise<{ exitCode: number; said: string }> {
  let said = "";
  const argv = command.split(" ").slice(1);
  const exitCode = await jarvis([...argv, "--state-dir", stateDirectory], {
    writeOut: (text) => (said += text),
    writeErr: (text) => (said += text),
  });
  return { exitCode, said };
}

it("are those of every way out and of every reason that waits for somebody", () => {
  const states = new Set<WayOutState>(waysOut.map(({ state }) => state));
  expect([...states].sort()).toHaveLength(14);
  expect(named.size).toBeGreaterThan(15);
});

it.each([...named])("`%s` can be typed as it stands", async (command) => {
  const ended = await exitCodeOf(command);
  expect(ended.said).not.toBe("");
  expect(ended).not.toMatchObject({ exitCode: exitCodes.unreadable });
});

it.each(["jarvis takeover", "jarvis hold lift RUN", "jarvis session"])(
  "`%s` is refused, so this would be seen",
  async (command) => {
    expect((await exitCodeOf(command)).exitCode).toBe(exitCodes.unreadable);
  },
);
