import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { z } from "zod";

import type { ForgeOptions } from "./start-forge.ts";

export const HELP = `Usage: jarvis-forge --directory DIR --owner OWNER --repository NAME [options]

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
                          repository; may be repeated; jarvis/sandbox and
                          jarvis/promotion
  --port N                preferred port; the next free one when busy
  --executable-path PATH  where git is looked for
  --requests-per-hour N   the primary rate limit of each token; 5000
  --points-per-minute N   the secondary one, where a read is 1 and a write 5; 90000
  --content-per-minute N  changes; 8000
  --concurrent N          requests of one token served at a time; 100
  --app-id N              a GitHub App that clients may sign in as, with
  --app-public-key FILE   its public key in PEM
  --faults                for tests: the operator may order what is to go wrong,
                          at POST /__control/faults
  --help
`;

const count = z.coerce.number().int().min(1).optional();

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
    "requests-per-hour": count,
    "points-per-minute": count,
    "content-per-minute": count,
    concurrent: count,
    "app-id": count,
    "app-public-key": z.string().min(1).optional(),
    faults: z.boolean().optional(),
  })
  .refine(
    (given) => (given["seed-git-dir"] === undefined) === (given["seed-commit"] === undefined),
    "--seed-git-dir and --seed-commit belong together",
  )
  .refine(
    (given) => (given["app-id"] === undefined) === (given["app-public-key"] === undefined),
    "--app-id and --app-public-key belong together",
  );

/** The options, or the sentence that says what is wrong with them. */
export function readOptions(argv: string[]): ForgeOptions | string {
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
        "requests-per-hour": string,
        "points-per-minute": string,
        "content-per-minute": string,
        concurrent: string,
        "app-id": string,
        "app-public-key": string,
        faults: { type: "boolean" },
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
  const app = readApp(given["app-id"], given["app-public-key"]);
  if (typeof app === "string") return app;
  return {
    directory: given.directory,
    owner: given.owner,
    repository: given.repository,
    defaultBranch: given["default-branch"],
    seed: gitDirectory === undefined || commit === undefined ? undefined : { gitDirectory, commit },
    port: given.port,
    protection: requiredStatuses === undefined ? undefined : { requiredStatuses },
    executablePath: given["executable-path"],
    rateLimits: {
      perHour: given["requests-per-hour"],
      pointsPerMinute: given["points-per-minute"],
      contentPerMinute: given["content-per-minute"],
      concurrent: given.concurrent,
    },
    app,
    faults: given.faults,
  };
}

function readApp(id: number | undefined, file: string | undefined): ForgeOptions["app"] | string {
  if (id === undefined || file === undefined) return undefined;
  try {
    return { id, publicKey: readFileSync(file, "utf8") };
  } catch {
    return `--app-public-key: ${file} cannot be read.`;
  }
}
