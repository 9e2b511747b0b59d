import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { CliConfig } from "../config.ts";
import { findKernel } from "../kernel-client.ts";
import { CommandError, exitCodes, KernelEnded, type ExitCode } from "../outcome.ts";
import { plain } from "../plain-text.ts";
import { describeStatus } from "../text.ts";
import * as wire from "../wire.ts";

const firstWord = z.discriminatedUnion("ready", [
  z.object({ ready: z.literal(true), pid: z.number(), url: z.string() }),
  z.object({
    ready: z.literal(false),
    exitCode: z.union([z.literal(exitCodes.unreadable), z.literal(exitCodes.unavailable)]),
    error: z.object({ code: z.string(), message: z.string() }),
  }),
]);

export interface UpOptions {
  readonly port?: string;
  readonly once?: boolean;
  readonly dependenciesDir?: string;
  readonly listen?: string;
  readonly publicUrl?: string;
  readonly json: boolean;
}

/**
 * Runs the launcher, which runs the kernel, until it ends or is told to stop; `--once` stops it as
 * soon as a kernel is ready, which shows that everything it needs is there. However this process
 * ends, nothing goes on running: the launcher holds the other end of a pipe.
 */
export async function up(config: CliConfig, options: UpOptions): Promise<ExitCode> {
  // Apps start each other as programs, by their place in the release.
  const program = fileURLToPath(new URL("../../../agent/dist/launcher.js", import.meta.url));
  const args = ["--repo", config.repo, "--state-dir", config.stateDir, "--until-stdin-closes"];
  if (options.port !== undefined) args.push("--port", options.port);
  if (options.dependenciesDir !== undefined)
    args.push("--dependencies-dir", options.dependenciesDir);
  if (options.listen !== undefined) args.push("--listen", options.listen);
  if (options.publicUrl !== undefined) args.push("--public-url", options.publicUrl);
  const launcher = spawn(process.execPath, [program, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
    env: config.environment,
  });
  const forward = (signal: NodeJS.Signals): void => void launcher.kill(signal);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, forward);
  const ended = new Promise<Ending>((resolve) =>
    launcher.once("close", (code, signal) => resolve({ code, signal })),
  );
  const lines = createInterface({ input: launcher.stdout });
  const line = await Promise.race([
    new Promise<string>((resolve) => lines.once("line", resolve)),
    ended.then(() => null),
  ]);
  if (line === null) return unsaid(await ended, options);
  const first = firstWord.parse(JSON.parse(line));
  if (!first.ready) {
    await ended;
    throw new KernelEnded(first.exitCode, first.error.code, first.error.message);
  }
  if (!options.json) lines.on("line", sayAgain);
  if (options.json) process.stdout.write(`${JSON.stringify(first)}\n`);
  else {
    try {
      await welcome(config, first.url, options);
    } catch (error) {
      if (options.once === true) {
        launcher.kill("SIGTERM");
        await ended;
        throw error;
      }
      // It runs all the same: only its greeting is missing.
      const why = error instanceof Error ? error.message : String(error);
      process.stderr.write(
        `jarvis: Jarvis runs at ${first.url}; how it is, it did not say: ${plain(why)}\n`,
      );
    }
  }
  if (options.once === true) launcher.kill("SIGTERM");
  return exitCodeOf(await ended);
}

/** A launcher that ends without a line was told to stop, or its kernel has said why on standard error. */
function unsaid(ending: Ending, { json }: UpOptions): ExitCode {
  const exitCode = exitCodeOf(ending);
  if (exitCode !== exitCodes.done) {
    throw new KernelEnded(
      exitCode,
      "kernel-not-started",
      "The launcher ended before a kernel was ready; standard error says why.",
    );
  }
  if (json) process.stdout.write(`${JSON.stringify({ ready: false })}\n`);
  return exitCode;
}

/** A kernel that was started in place of one that moved or ended. */
function sayAgain(line: string): void {
  const next = firstWord.parse(JSON.parse(line));
  if (!next.ready) return;
  process.stdout.write(`Jarvis runs again at ${next.url}, process ${next.pid}\n`);
}

function named(paths: readonly string[]): string {
  const more = paths.length > 10 ? ` and ${paths.length - 10} more` : "";
  return `${plain(paths.slice(0, 10).join(", "))}${more}`;
}

interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A launcher that was killed cannot say so itself. */
function exitCodeOf({ code, signal }: Ending): ExitCode {
  if (signal !== null) {
    process.stderr.write(
      `jarvis: The launcher was ended by ${signal}, and the kernel with it; start it again with \`jarvis up\`, open runs continue then.\n`,
    );
  }
  return code === 0 || code === 1 || code === 2 ? code : exitCodes.unavailable;
}

async function welcome(config: CliConfig, url: string, { once }: UpOptions): Promise<void> {
  const kernel = await findKernel(config);
  if (kernel === null) {
    throw new CommandError(
      exitCodes.unavailable,
      "kernel-unreachable",
      `The kernel at ${url} does not answer.`,
    );
  }
  const status = await kernel.get("/api/status", wire.status);
  const lines = [
    once === true
      ? `Jarvis came up at ${url}, and is stopped again; \`./jarvis up\` keeps it running`
      : `Jarvis runs at ${url}; \`./jarvis login\` lets a browser in`,
    "",
    describeStatus(status),
    "",
  ];
  if (status.repository.uncommitted.length > 0) {
    lines.push(
      `Not part of the base, because not committed: ${named(status.repository.uncommitted)}`,
    );
  }
  if (once !== true && status.safety.mode === "observe") {
    lines.push(
      'Next: ./jarvis mode execute --reason "first run"  (until then nothing is promoted)',
    );
  }
  process.stdout.write(`${lines.join("\n")}\n`);
}
