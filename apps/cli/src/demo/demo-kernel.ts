import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { CliConfig } from "../config.ts";
import { findKernel, type KernelClient } from "../kernel-client.ts";
import { RECORDED_MODEL } from "./author-row.ts";
import { CommandError, exitCodes } from "../outcome.ts";

const LAUNCHER = fileURLToPath(new URL("../../../agent/dist/launcher.js", import.meta.url));
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A secret-looking value in the kernel's environment, for the hostile examples not to find. */
const BAIT = { JARVIS_DEMONSTRATION_SECRET: "nobody-must-read-this" };

/**
 * Starts the demonstration's kernel. Whatever ends the demonstration ends it too: a signal is passed
 * on, and the demonstration goes when its kernel has gone.
 */
export function startDemoKernel(
  config: CliConfig,
  dependenciesDir: string,
): { ready: Promise<KernelClient>; stop(): Promise<void> } {
  const child: ChildProcess = spawn(
    process.execPath,
    [
      LAUNCHER,
      "--repo",
      config.repo,
      "--state-dir",
      config.stateDir,
      "--dependencies-dir",
      dependenciesDir,
      "--until-stdin-closes",
    ],
    {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...withoutGitHub(config.environment), ...BAIT, JARVIS_MODEL: RECORDED_MODEL },
    },
  );
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const interrupted = (): void => {
    child.kill("SIGTERM");
    void ended.then(() => process.exit(exitCodes.unavailable));
  };
  for (const signal of SIGNALS) process.once(signal, interrupted);
  const firstLine = new Promise<string>((resolve) => {
    if (child.stdout !== null) createInterface({ input: child.stdout }).once("line", resolve);
  });
  const ready = Promise.race([firstLine, ended.then(() => null)]).then(async (line) => {
    const api = line === null ? null : await findKernel(config);
    if (api !== null) return api;
    throw new CommandError(
      exitCodes.unavailable,
      "kernel-not-running",
      "The kernel of the demonstration did not start; the lines above say why.",
    );
  });
  return {
    ready,
    async stop() {
      for (const signal of SIGNALS) process.off(signal, interrupted);
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** The demonstration always uses the local forge and its own database, whatever is configured. */
function withoutGitHub(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const ours = /^(GITHUB_TOKEN|DATABASE_URL|JARVIS_.*)$/;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !ours.test(name)));
}
