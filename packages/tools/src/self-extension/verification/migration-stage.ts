import { mkdir, readdir } from "node:fs/promises";
import type { Mirror } from "../git/mirror.ts";
import type { MigrationStage } from "../guard-config.ts";
import type { StageDiagnostics } from "../run-result.ts";
import type { StageFailure } from "../stage-words.ts";
import { runSmokeStage } from "./smoke-stage.ts";
import { diagnose, type RunInSandbox, type StageWorld } from "./stage-world.ts";

/** Where the program finds the directory that is kept from one of the three runs to the next. */
export const DATA_DIRECTORY = "/data";

/** What failed because the base could not go on with what the change made of its data. */
export const MIGRATION_IRREVERSIBLE = "migration-irreversible";

interface Round {
  readonly who: "base" | "candidate" | "base-again";
  readonly world: StageWorld;
  readonly tree: string;
}

/**
 * Whether one can go back from a change that migrates: the base's program makes its data, the
 * change's program migrates them and runs, and then the base's has to run on what came out, as it
 * will after a rollback. Each answers its examples as in a smoke stage.
 */
export async function runMigrationStage(
  stage: MigrationStage,
  worlds: {
    readonly base: StageWorld;
    readonly candidate: StageWorld;
    readonly mirror: Mirror;
    readonly baseTree: string;
    readonly tree: string;
    readonly released: ReadonlySet<string>;
  },
  tools: { readonly run: RunInSandbox; readonly signal: AbortSignal; readonly data: string },
): Promise<StageDiagnostics> {
  const { base, candidate, mirror, baseTree, tree, released } = worlds;
  const started = new Date();
  await mkdir(tools.data, { recursive: true });
  const rounds: Round[] = [
    { who: "base", world: base, tree: baseTree },
    { who: "candidate", world: candidate, tree },
    { who: "base-again", world: base, tree: baseTree },
  ];
  const tails: string[] = [];
  for (const { who, world, tree: own } of rounds) {
    const mounted: StageWorld = {
      ...world,
      mounts: [...world.mounts, { kind: "rw", source: tools.data, target: DATA_DIRECTORY }],
    };
    const facts = { mirror, baseTree, basePaths: base.paths, tree: own, released };
    const { diagnostics } = await runSmokeStage(stage, mounted, facts, tools);
    tails.push(`${who}:\n${diagnostics.outputTail}`);
    const failure = failureOfRound(who, diagnostics) ?? (await leftNothing(who, tools.data));
    if (failure !== null) {
      const ended = diagnose(stage, started, {
        status: failure.category === "infrastructure" ? "error" : "failed",
        ...failure,
        results: [],
      });
      return { ...ended, exit: diagnostics.exit, outputTail: tails.join("\n---\n").slice(-8000) };
    }
  }
  return diagnose(stage, started, { status: "passed", results: [] });
}

function failureOfRound(
  who: Round["who"],
  { status, category, reason }: StageDiagnostics,
): StageFailure | null {
  if (status === "passed") return null;
  const why = reason ?? "no reason is kept";
  // What happened to the machine, or was ordered from outside, is nobody's verdict.
  if (category === "infrastructure" || category === "aborted") return { category, reason: why };
  switch (who) {
    case "base":
      return {
        category: "verdict-not-trusted",
        reason: `the base's own program does not run in the sandbox, so there is nothing to migrate: ${why}`,
      };
    case "candidate":
      return {
        category: category ?? "smoke-failed",
        reason: `the change does not run on the base's data: ${why}`,
      };
    case "base-again":
      return {
        category: MIGRATION_IRREVERSIBLE,
        reason: `the base does not run on the data that the change migrated, so there would be no way back: ${why}`,
      };
  }
}

/** A program that keeps its data elsewhere would pass without having shown anything. */
async function leftNothing(who: Round["who"], data: string): Promise<StageFailure | null> {
  if (who !== "base" || (await readdir(data)).length > 0) return null;
  return {
    category: "verdict-not-trusted",
    reason: `the base's program left nothing in ${DATA_DIRECTORY}, so its migrations cannot be judged there`,
  };
}
