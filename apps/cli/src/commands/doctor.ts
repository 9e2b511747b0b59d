import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { DatabaseError, messageOf } from "@jarvis/db";
import { OperatorError, readTokens } from "@jarvis/operator-core";
import { checkSandbox } from "@jarvis/sandbox";
import {
  loadConfig,
  openMirror,
  SelfExtensionError,
  treeOf,
  type GuardConfig,
  type Mirror,
} from "@jarvis/tools/self-extension";
import { z } from "zod";
import type { CliConfig } from "../config.ts";
import { lookForKernel, type KernelClient } from "../kernel-client.ts";
import type { SearchProblem } from "../kernel-search.ts";
import { inStateDirectory } from "../local-state.ts";
import { CommandError, exitCodes, type Answer } from "../outcome.ts";
import { plain } from "../plain-text.ts";
import { hostFindings, type HostFinding } from "./host.ts";
import * as wire from "../wire.ts";

const run = promisify(execFile);

/** `mend`: the command that mends it. */
type Finding = HostFinding;

/** What is missing on this machine, and the command that mends it. */
export async function doctor(config: CliConfig): Promise<Answer> {
  const findings = [
    nodeVersion(),
    await gitVersion(),
    await sandbox(),
    await repository(config),
    ...(await settings(config)),
    ...tokens(config),
    ...(await kernelFindings(config)),
  ];
  const ok = findings.every((finding) => finding.ok);
  return {
    json: { ok, findings },
    text: findings
      .map(({ name, ok: good, what, mend }) =>
        [
          `${good ? "ok     " : "MISSING"} ${name}: ${what}`,
          ...(mend === null ? [] : [`        ${mend}`]),
        ].join("\n"),
      )
      .join("\n"),
    exitCode: ok ? exitCodes.done : exitCodes.refused,
  };
}

function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  return {
    name: "node",
    ok,
    what: process.version,
    mend: ok ? null : "install Node.js 20.19 or newer; 24 is recommended",
  };
}

async function gitVersion(): Promise<Finding> {
  try {
    const { stdout } = await run("git", ["--version"]);
    const [, major = "0", minor = "0"] = /(\d+)\.(\d+)/.exec(stdout) ?? [];
    // merge-tree --write-tree, which the local forge merges with, came with 2.38.
    const ok = Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 38);
    return { name: "git", ok, what: stdout.trim(), mend: ok ? null : "install git 2.38 or newer" };
  } catch {
    return { name: "git", ok: false, what: "not found", mend: "apt-get install git" };
  }
}

async function sandbox(): Promise<Finding> {
  const answer = await checkSandbox();
  return answer.available
    ? { name: "sandbox", ok: true, what: `${answer.tier}, ${answer.version}`, mend: null }
    : { name: "sandbox", ok: false, what: answer.reason, mend: answer.message };
}

/** Which stages guard the repository: what a configuration says or what was inferred. */
async function repository(config: CliConfig): Promise<Finding> {
  const finding = (ok: boolean, what: string, mend: string | null): Finding => ({
    name: "repository",
    ok,
    what: plain(what),
    mend,
  });
  const parse = async (...args: string[]): Promise<string | null> => {
    const argv = ["-C", config.repo, "-c", "safe.directory=*", "rev-parse", ...args];
    return await run("git", argv).then(
      ({ stdout }) => stdout.trim(),
      () => null,
    );
  };
  const gitDirectory = await parse("--absolute-git-dir");
  if (gitDirectory === null) {
    return finding(
      false,
      `${config.repo} is not a git repository`,
      "run inside a git repository, or name one with --repo DIR",
    );
  }
  if ((await parse("--verify", "--quiet", "HEAD")) === null) {
    return finding(false, `${config.repo} has no commit`, "git add -A && git commit");
  }
  try {
    const mirror: Mirror = await openMirror(gitDirectory);
    const stages = describeStages(await loadConfig(mirror, await treeOf(mirror, "HEAD")));
    return finding(true, `${config.repo}: ${stages}`, null);
  } catch (error) {
    const what = messageOf(error);
    return error instanceof SelfExtensionError && error.code === "invalid-config"
      ? finding(false, what, "mend jarvis.config.json and commit it")
      : finding(false, `${config.repo}: ${what}`, `git -C ${config.repo} fsck`);
  }
}

const canStart = z.object({
  problems: z.array(z.object({ name: z.string(), what: z.string(), mend: z.string() })),
});

/** What keeps a kernel from starting here: its own program says it, as it alone knows its settings. */
async function settings({ repo, stateDir, environment }: CliConfig): Promise<Finding[]> {
  const program = fileURLToPath(new URL("../../../agent/dist/can-start.js", import.meta.url));
  const argv = [program, "--repo", repo, "--state-dir", stateDir];
  const { stdout } = await run(process.execPath, argv, { env: environment });
  const { problems } = canStart.parse(JSON.parse(stdout));
  if (problems.length === 0)
    return [{ name: "settings", ok: true, what: "a kernel can start with them", mend: null }];
  return problems.map(({ name, what, mend }) => ({ name, ok: false, what: plain(what), mend }));
}

/** Tokens that were given out count for nobody while their file cannot be read. */
function tokens({ stateDir }: CliConfig): Finding[] {
  try {
    readTokens(stateDir);
    return [];
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    const mend = "mend the file, or remove it and give tokens out anew with `jarvis token add`";
    return [{ name: "tokens", ok: false, what: plain(error.message), mend }];
  }
}

function describeStages(config: GuardConfig): string {
  return config.stages.map((stage) => `${stage.name} (${stage.argv.join(" ")})`).join(", ");
}

async function kernelFindings(config: CliConfig): Promise<Finding[]> {
  if (!existsSync(config.stateDir)) {
    return [{ name: "kernel", ok: true, what: "no state yet; `jarvis up` makes it", mend: null }];
  }
  const { kernel, problem } = await lookForKernel(config);
  if (kernel === null) return [await whereNoneAnswers(config, problem)];
  try {
    return await askKernel(kernel);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const mend = "look at what it has printed, or start it again";
    return [{ name: "kernel", ok: false, what: plain(error.message), mend }];
  }
}

/** Not running is as it may be; one that runs and does not answer keeps everything from happening. */
async function whereNoneAnswers(
  config: CliConfig,
  problem: SearchProblem | null,
): Promise<Finding> {
  const name = "kernel";
  try {
    const silent = await inStateDirectory(
      config,
      async ({ silentKernel }) => await Promise.resolve(silentKernel),
    );
    if (silent === null) return { name, ok: true, what: "not running", mend: null };
    if (problem !== null) return { name, ok: false, what: problem.what, mend: problem.mend };
    const mend = 'jarvis kill --reason "it does not answer"';
    return { name, ok: false, what: `process ${silent} does not answer`, mend };
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    // It says itself what to do.
    return { name, ok: false, what: plain(error.message), mend: null };
  }
}

async function askKernel(kernel: KernelClient): Promise<Finding[]> {
  const status = await kernel.get("/api/status", wire.status);
  const { guard, mendSql } = status.database;
  // A kernel of a release before says no word for it; then what mends it tells.
  const guarded = guard === undefined ? mendSql === null : guard === "enforced";
  const standsBy = status.kernel.role === "standby";
  const what = "the kernel that leads asks it; this one stands by";
  return [
    { name: "kernel", ok: true, what: status.kernel.url, mend: null },
    {
      name: "ledger",
      ok: guarded,
      what: status.database.ledger,
      mend: guarded ? null : `run as a superuser: ${mendSql ?? ""}`,
    },
    ...(standsBy ? [{ name: "host", ok: true, what, mend: null }] : await askHost(kernel)),
  ];
}

/** Asked through the kernel, which holds the credentials. Only reads. */
async function askHost(kernel: KernelClient): Promise<Finding[]> {
  try {
    return hostFindings(await kernel.get("/api/host", wire.hostReport));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const mend = "look at the credentials and whether the repository host can be reached";
    return [{ name: "host", ok: false, what: plain(error.message), mend }];
  }
}
