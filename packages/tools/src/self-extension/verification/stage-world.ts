import { mkdir, mkdtemp } from "node:fs/promises";
import { join, posix } from "node:path";
import {
  removeOutput,
  type SandboxMount,
  type SandboxRequest,
  type SandboxResult,
} from "@jarvis/sandbox";
import picomatch from "picomatch";
import type { Stage } from "../guard-config.ts";
import type { StageDiagnostics } from "../run-result.ts";
import type { StageFailure } from "../stage-words.ts";

/** Runs a program in the sandbox; the one way in which code of a tree is ever executed. */
export type RunInSandbox = (request: SandboxRequest) => Promise<SandboxResult>;

/** What a build may leave: the same when it is judged and when it is copied into a release. */
export const outputLimits = { files: 20_000, bytes: 512 * 2 ** 20 };

/** A directory that a build wrote: where it lies in the repository and on this machine. */
export interface OutputDirectory {
  readonly path: string;
  readonly hostPath: string;
}

/** A tree on disk with its dependencies, ready to be mounted. Nothing in it is ever executed outside. */
export interface StageWorld {
  readonly directory: string;
  readonly mounts: readonly SandboxMount[];
  readonly paths: readonly string[];
}

/** The directories that the globs of a build stage mean in a tree: the last segment is the build's to make. */
export function expandOutputs(globs: readonly string[], paths: readonly string[]): string[] {
  const directories = new Set(["", ...paths.flatMap(parentsOf)]);
  const found = new Set<string>();
  for (const glob of globs) {
    const name = posix.basename(glob);
    const parent = posix.dirname(glob);
    const match = parent === "." ? (path: string) => path === "" : picomatch(parent, { dot: true });
    for (const directory of directories) {
      if (match(directory)) found.add(directory === "" ? name : `${directory}/${name}`);
    }
  }
  return [...found].sort();
}

/** Every directory above a path, the repository's root left out. */
export function parentsOf(path: string): string[] {
  const found: string[] = [];
  for (let parent = posix.dirname(path); parent !== "."; parent = posix.dirname(parent)) {
    found.push(parent);
  }
  return found;
}

/** A scratch directory that is gone when `work` has ended, however it ended. */
export async function withScratch<T>(
  root: string,
  work: (directory: string) => Promise<T>,
): Promise<T> {
  await mkdir(root, { recursive: true, mode: 0o755 });
  const directory = await mkdtemp(join(root, "w-"));
  try {
    return await work(directory);
  } finally {
    // A candidate may have closed its directories even to their owner.
    await removeOutput(directory);
  }
}

/** How a stage ended, from how its program ended; null where the program exited with 0. */
export function failureOf(result: SandboxResult): StageFailure | null {
  switch (result.outcome) {
    case "exited":
      return result.exitCode === 0
        ? null
        : { category: "exit-code", reason: `the program ended with exit code ${result.exitCode}` };
    case "signaled":
      return { category: "crashed", reason: `the program was ended by signal ${result.signal}` };
    case "killed":
      return { category: result.reason, reason: killSentence[result.reason] };
    case "sandbox-error":
      return {
        category: "infrastructure",
        reason: `the sandbox gave no verdict: ${result.message}`,
      };
  }
}

const killSentence = {
  "wall-timeout": "the program did not end in time and was killed",
  memory: "the program used more memory than allowed and was killed",
  "output-limit": "the program printed more than allowed and was killed",
  "disk-limit": "the program wrote more than allowed and was killed",
  aborted: "the program was killed by the kill switch or a stop",
} as const;

/** What a stage leaves in the evidence. */
export function diagnose(
  stage: Pick<Stage, "name" | "kind">,
  started: Date,
  facts: {
    status: StageDiagnostics["status"];
    category?: StageDiagnostics["category"];
    reason?: string | null;
    results: readonly SandboxResult[];
    failingTests?: readonly string[];
  },
): StageDiagnostics {
  const ended = new Date();
  return {
    name: stage.name,
    kind: stage.kind,
    status: facts.status,
    startedAt: started.toISOString(),
    endedAt: ended.toISOString(),
    durationMs: ended.getTime() - started.getTime(),
    exit: facts.results.map(exitText).join(", ") || null,
    category: facts.category ?? null,
    reason: facts.reason ?? null,
    outputTail: facts.results.map(tailOf).join("\n---\n").slice(-8000),
    failingTests: facts.failingTests ?? [],
  };
}

function exitText(result: SandboxResult): string {
  switch (result.outcome) {
    case "exited":
      return `exit ${result.exitCode}`;
    case "signaled":
      return `signal ${result.signal}`;
    case "killed":
      return `killed: ${result.reason}`;
    case "sandbox-error":
      return "no exit status";
  }
}

function tailOf(result: SandboxResult): string {
  return `${result.stdout.slice(-3000)}${result.stderr === "" ? "" : `\n${result.stderr.slice(-1500)}`}`;
}
