#!/usr/bin/env node
import { parseArgs } from "node:util";

import { z } from "zod";

import { ForgeError } from "./forge-error.ts";
import { startForge, type ForgeOptions } from "./start-forge.ts";

const HELP = `Usage: jarvis-forge --directory DIR --owner OWNER --repository NAME [options]

A GitHub-compatible forge on 127.0.0.1 over a bare git repository of its own.
Prints one line of JSON when it is ready. Ends when its standard input closes,
so that it never outlives who started it, and on SIGTERM or SIGINT.

  --directory DIR         where everything is kept; made when missing
  --owner OWNER           as in http://127.0.0.1:PORT/OWNER/NAME
  --repository NAME
  --default-branch NAME   main
  --seed-git-dir DIR      a git directory to copy the history from, once
  --seed-commit SHA       the commit to start the default branch at
  --required-status NAME  must be success to move the default branch of a new
                          repository; may be repeated; jarvis/sandbox
  --port N                preferred port; the next free one when busy
  --executable-path PATH  where git is looked for
  --help
`;

const Arguments = z
  .object({
    directory: z.string().min(1),
    owner: z.string().regex(/^[\w.-]+$/u, "may hold letters, digits, dot, dash and underscore"),
    repository: z
      .string()
      .regex(/^[\w.-]+$/u, "may hold letters, digits, dot, dash and underscore"),
    "default-branch": z.string().optional(),
    "seed-git-dir": z.string().optional(),
    "seed-commit": z.string().optional(),
    "required-status": z.array(z.string().min(1)).optional(),
    port: z.coerce.number().int().min(1).max(65_535).optional(),
    "executable-path": z.string().optional(),
  })
  .refine(
    (given) => (given["seed-git-dir"] === undefined) === (given["seed-commit"] === undefined),
    "--seed-git-dir and --seed-commit belong together",
  );

await main(process.argv.slice(2));

async function main(argv: string[]): Promise<void> {
  if (argv.includes("--help")) {
    process.stdout.write(HELP);
    return;
  }
  const options = readOptions(argv);
  if (typeof options === "string") {
    process.stderr.write(`${options} (--help shows what there is)\n`);
    process.exitCode = 2;
    return;
  }
  try {
    const forge = await startForge(options);
    stopWithParent(() => forge.close());
    const { apiUrl, webUrl, cloneUrl, tokenFile, operatorTokenFile, port, requestLog } = forge;
    // The tokens themselves stay in their files: standard output ends up in logs.
    const facts = { apiUrl, webUrl, cloneUrl, tokenFile, operatorTokenFile, port, requestLog };
    process.stdout.write(`${JSON.stringify({ ...facts, pid: process.pid })}\n`);
  } catch (error) {
    const reason = error instanceof ForgeError ? error.message : String(error);
    process.stderr.write(`The forge could not start: ${reason}\n`);
    process.exitCode = 1;
  }
}

/** The options, or the sentence that says what is wrong with them. */
function readOptions(argv: string[]): ForgeOptions | string {
  const string = { type: "string" } as const;
  let values: Record<string, unknown>;
  try {
    ({ values } = parseArgs({
      args: argv,
      options: {
        directory: string,
        owner: string,
        repository: string,
        "default-branch": string,
        "seed-git-dir": string,
        "seed-commit": string,
        "required-status": { type: "string", multiple: true },
        port: string,
        "executable-path": string,
      },
    }));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const parsed = Arguments.safeParse(values);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const name = issue?.path[0];
    return name === undefined ? `${issue?.message}.` : `--${String(name)}: ${issue?.message}.`;
  }
  const given = parsed.data;
  const gitDirectory = given["seed-git-dir"];
  const commit = given["seed-commit"];
  const requiredStatuses = given["required-status"];
  return {
    directory: given.directory,
    owner: given.owner,
    repository: given.repository,
    defaultBranch: given["default-branch"],
    seed: gitDirectory === undefined || commit === undefined ? undefined : { gitDirectory, commit },
    port: given.port,
    protection: requiredStatuses === undefined ? undefined : { requiredStatuses },
    executablePath: given["executable-path"],
  };
}

/** A parent that was killed cannot say goodbye; its end of the pipe closes all the same. */
function stopWithParent(close: () => Promise<void>): void {
  let stopping: Promise<void> | undefined;
  const stop = (): void => {
    stopping ??= close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.stdin.on("end", stop);
  process.stdin.on("close", stop);
  process.stdin.on("error", stop);
  process.stdin.resume();
}
