import { lstat, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { collectOutput, SandboxError, type OutputFile, type SandboxMount } from "@jarvis/sandbox";
import type { BuildStage, CheckStage } from "../guard-config.ts";
import type { StageDiagnostics } from "../run-result.ts";
import {
  diagnose,
  expandOutputs,
  failureOf,
  outputLimits,
  type OutputDirectory,
  type RunInSandbox,
  type StageWorld,
} from "./stage-world.ts";

export interface BuildResult {
  readonly diagnostics: StageDiagnostics;
  readonly outputs: readonly OutputDirectory[];
  /** Every file that was built, with paths as they lie in the repository. */
  readonly files: readonly OutputFile[];
}

/**
 * Builds once, in the sandbox. What comes out is listed file by file and digest by digest; a
 * symbolic link or anything else that is not a plain file is refused, because the kernel and later
 * stages read these directories.
 */
export async function runBuildStage(
  stage: BuildStage,
  world: StageWorld,
  tools: {
    run: RunInSandbox;
    outputRoot: string;
    signal: AbortSignal;
    /** Lays an earlier build into the empty output directories. */
    prepare?: (outputs: readonly OutputDirectory[]) => Promise<unknown>;
  },
): Promise<BuildResult> {
  const started = new Date();
  const outputs: OutputDirectory[] = [];
  const mounts: SandboxMount[] = [...world.mounts];
  for (const path of expandOutputs(stage.outputs, world.paths)) {
    const hostPath = join(tools.outputRoot, path);
    await mkdir(hostPath, { recursive: true });
    if (!(await makeMountPoint(join(world.directory, path)))) {
      return {
        diagnostics: diagnose(stage, started, {
          status: "failed",
          category: "output-refused",
          reason: `${path} is where the build writes, and the tree has something else there`,
          results: [],
        }),
        outputs: [],
        files: [],
      };
    }
    outputs.push({ path, hostPath });
    mounts.push({ kind: "rw", source: hostPath, target: `/ws/${path}` });
  }
  await tools.prepare?.(outputs);
  const result = await tools.run({
    argv: stage.argv,
    workspace: world.directory,
    mounts,
    ...(stage.limits === undefined ? {} : { limits: definedLimits(stage.limits) }),
    signal: tools.signal,
  });
  const failure = failureOf(result);
  if (failure !== null) {
    const status = failure.category === "infrastructure" ? "error" : "failed";
    return {
      diagnostics: diagnose(stage, started, { status, ...failure, results: [result] }),
      outputs,
      files: [],
    };
  }
  try {
    const files = await listOutputs(outputs);
    return {
      diagnostics: diagnose(stage, started, { status: "passed", results: [result] }),
      outputs,
      files,
    };
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error;
    const diagnostics = diagnose(stage, started, {
      status: "failed",
      category: "output-refused",
      reason: `the build left something that is not a plain file: ${error.message}`,
      results: [result],
    });
    return { diagnostics, outputs, files: [] };
  }
}

/** False where the tree holds a file or a link on the way: a candidate may have put it there. */
async function makeMountPoint(path: string): Promise<boolean> {
  try {
    await mkdir(path, { recursive: true });
    return (await lstat(path)).isDirectory();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    if (code === "EEXIST" || code === "ENOTDIR") return false;
    throw error;
  }
}

/** The files of all output directories, under their repository paths. */
export async function listOutputs(outputs: readonly OutputDirectory[]): Promise<OutputFile[]> {
  const files: OutputFile[] = [];
  for (const output of outputs) {
    for (const file of await collectOutput(output.hostPath, outputLimits)) {
      files.push({ ...file, path: `${output.path}/${file.path}` });
    }
  }
  return files;
}

/** A gate that only has to exit with 0: type check, linter, format. */
export async function runCheckStage(
  stage: CheckStage,
  world: StageWorld,
  tools: { run: RunInSandbox; signal: AbortSignal },
): Promise<StageDiagnostics> {
  const started = new Date();
  const result = await tools.run({
    argv: stage.argv,
    workspace: world.directory,
    mounts: world.mounts,
    ...(stage.limits === undefined ? {} : { limits: definedLimits(stage.limits) }),
    signal: tools.signal,
  });
  const failure = failureOf(result);
  return failure === null
    ? diagnose(stage, started, { status: "passed", results: [result] })
    : diagnose(stage, started, {
        status: failure.category === "infrastructure" ? "error" : "failed",
        ...failure,
        results: [result],
      });
}

/** Drops keys that are present and undefined, which a parsed partial may hold. */
export function definedLimits<T extends object>(
  limits: T,
): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
