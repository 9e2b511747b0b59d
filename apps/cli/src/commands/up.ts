import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { CliConfig } from "../config.ts";
import { findKernel } from "../kernel-client.ts";
import { CommandError, exitCodes, type ExitCode } from "../outcome.ts";
import { describeStatus } from "../text.ts";
import * as wire from "../wire.ts";

const ready = z.object({ ready: z.literal(true), pid: z.number(), url: z.string() });

export interface UpOptions {
  readonly port?: string;
  readonly once?: boolean;
  readonly dependenciesDir?: string;
  readonly json: boolean;
}

/**
 * Runs the kernel as a program of its own until it ends or is told to stop; `--once` stops it as
 * soon as it is ready, which shows that everything it needs is there.
 */
export async function up(config: CliConfig, options: UpOptions): Promise<ExitCode> {
  // Apps start each other as programs, by their place in the release.
  const program = fileURLToPath(new URL("../../../agent/dist/main.js", import.meta.url));
  const args = ["--repo", config.repo, "--state-dir", config.stateDir];
  if (options.port !== undefined) args.push("--port", options.port);
  if (options.dependenciesDir !== undefined)
    args.push("--dependencies-dir", options.dependenciesDir);
  // DBOS uses its database driver in a way that the next major version of the driver will refuse; the
  // versions are pinned, and a warning about it tells an operator nothing.
  const kernel = spawn(
    process.execPath,
    ["--disable-warning=DeprecationWarning", program, ...args],
    {
      stdio: ["ignore", "pipe", "inherit"],
      env: config.environment,
    },
  );
  const forward = (signal: NodeJS.Signals): void => void kernel.kill(signal);
  process.on("SIGINT", forward);
  process.on("SIGTERM", forward);
  const ended = new Promise<number>((resolve) =>
    kernel.once("close", (code) => resolve(code ?? 3)),
  );
  const line = await Promise.race([
    new Promise<string>((resolve) =>
      createInterface({ input: kernel.stdout }).once("line", resolve),
    ),
    ended.then(() => null),
  ]);
  if (line === null) return endingOf(await ended);
  const facts = ready.parse(JSON.parse(line));
  if (options.json) process.stdout.write(`${JSON.stringify(facts)}\n`);
  else await welcome(config, facts.url);
  if (options.once === true) kernel.kill("SIGTERM");
  return endingOf(await ended);
}

async function welcome(config: CliConfig, url: string): Promise<void> {
  const kernel = await findKernel(config);
  if (kernel === null) {
    throw new CommandError(
      exitCodes.unavailable,
      "kernel-unreachable",
      `The kernel at ${url} does not answer.`,
    );
  }
  const status = await kernel.get("/api/status", wire.status);
  const lines = [`Jarvis runs at ${url}`, "", describeStatus(status), ""];
  if (status.repository.uncommitted.length > 0) {
    lines.push(
      `Not part of the base, because not committed: ${status.repository.uncommitted.slice(0, 10).join(", ")}`,
    );
  }
  if (status.safety.mode === "observe") {
    lines.push(
      'Next: pnpm jarvis mode execute --reason "first run"  (until then nothing is promoted)',
    );
  }
  process.stdout.write(`${lines.join("\n")}\n`);
}

function endingOf(code: number): ExitCode {
  return code === 0 || code === 1 || code === 2 ? code : exitCodes.unavailable;
}
