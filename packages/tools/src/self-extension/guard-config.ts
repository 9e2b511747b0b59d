import { defaultLimits } from "@jarvis/sandbox";
import { z } from "zod";
import { SelfExtensionError } from "./errors.ts";
import { healthWindowConfig } from "./health/health-window-config.ts";

export const DEFAULT_PATCH_BYTES = 2 * 2 ** 20;
/** The most that a configuration can allow. */
export const MAX_PATCH_BYTES = 32 * 2 ** 20;

/** What a body may use where the configuration says nothing else. */
export const defaultBodyResources = {
  memoryBytes: 512 * 2 ** 20,
  // One Node process has about eleven.
  processes: 64,
} as const;

const glob = z.string().min(1).describe("A glob over repository paths, with / as the separator.");

const memoryBytes = z
  .number()
  .int()
  .min(64 * 2 ** 20)
  .describe("Private memory of each process, and resident memory of the whole tree, in bytes.");
const processes = z
  .number()
  .int()
  .min(8)
  .max(4_096)
  .describe("Processes and threads alive at the same time; one Node process has about eleven.");

// Shown by the schema and not filled in by it: the sandbox does, for every program that it runs.
const stageLimits = z
  .strictObject({
    wallMs: z
      .number()
      .int()
      .min(1_000)
      .max(3_600_000)
      .describe("Time from its start until it is killed, in milliseconds.")
      .meta({ default: defaultLimits.wallMs }),
    cpuSeconds: z
      .number()
      .int()
      .min(1)
      .max(7_200)
      .describe("CPU time of each process, in seconds.")
      .meta({ default: defaultLimits.cpuSeconds }),
    memoryBytes: memoryBytes.meta({ default: defaultLimits.memoryBytes }),
    processes: processes.meta({ default: defaultLimits.processes }),
    outputBytes: z
      .number()
      .int()
      .min(1_024)
      .max(64 * 2 ** 20)
      .describe("Standard output and standard error together, in bytes.")
      .meta({ default: defaultLimits.outputBytes }),
    fileBytes: z
      .number()
      .int()
      .min(1_024)
      .describe("The largest file that a process may write, in bytes.")
      .meta({ default: defaultLimits.fileBytes }),
    writableBytes: z
      .number()
      .int()
      .min(1_024)
      .describe("What all directories that it may write hold together, in bytes.")
      .meta({ default: defaultLimits.writableBytes }),
    tmpBytes: z
      .number()
      .int()
      .min(1_048_576)
      .describe("The size of /tmp, in bytes.")
      .meta({ default: defaultLimits.tmpBytes }),
  })
  .partial()
  .describe("What a stage may use; times in milliseconds, sizes in bytes.");

const argv = z
  .array(z.string().min(1))
  .min(1)
  .describe("The program and its arguments; never a shell string.");

const name = z
  .string()
  .min(1)
  .describe("The stage's name, in evidence, ledger and on the operator's page.");

const buildStage = z.strictObject({
  kind: z.literal("build").describe("A build: what it writes is the release."),
  name,
  argv,
  outputs: z
    .array(glob)
    .min(1)
    .describe("Directories the build writes; the last segment is made, the rest must exist."),
  bookkeeping: z
    .array(glob)
    .optional()
    .describe(
      "Files of an incremental compiler. Where they are named, a build begins from a copy of the base's output; they are no part of the release.",
    ),
  limits: stageLimits.optional(),
});

const checkStage = z.strictObject({
  kind: z.literal("check").describe("A gate that only has to exit with 0: types, lint, format."),
  name,
  argv,
  limits: stageLimits.optional(),
});

const testStage = z.strictObject({
  kind: z
    .literal("test")
    .describe("Tests, judged by what passes on the base and by a test that must fail."),
  name,
  runner: z
    .enum(["vitest", "node-test", "custom"])
    .describe(
      "What runs the tests; `custom` writes no report: its exit status counts, and the control's name in what it prints.",
    ),
  argv: argv.describe("The runner without test files; the files and the reporter are appended."),
  cwd: z
    .string()
    .optional()
    .describe(
      "Directory the runner starts in, relative to the repository; without it the repository's own.",
    ),
  tests: z.array(glob).min(1).describe("The test files of this stage."),
  when: z
    .array(glob)
    .optional()
    .describe("Paths whose change needs this stage; without it every change does."),
  control: z
    .strictObject({
      path: z.string().describe("Where the must-fail test is written; {name} is its random name."),
      content: z.string().describe("Its source; {name} is replaced, {imports} too."),
    })
    .optional()
    .describe("How to write a test that must fail; needed for the custom runner."),
  limits: stageLimits.optional(),
});

const smokeStage = z.strictObject({
  kind: z.literal("smoke").describe("The built program is started and has to answer."),
  name,
  argv,
  examples: glob
    .optional()
    .describe("JSON files with tool calls and their answers, asked over standard input."),
  expectOutput: z.string().optional().describe("Text the program has to print."),
  limits: stageLimits.optional(),
});

const migrationStage = z
  .strictObject({
    ...smokeStage.shape,
    kind: z.literal("migration").describe("A way back from a change that migrates data."),
    argv: argv.describe("A program that keeps what it stores in /data and ends by itself."),
    when: z.array(glob).min(1).describe("Migrations: only their change needs this stage."),
  })
  .describe(
    "Run by the base, by the change and by the base again on the same /data: one must be able to go back.",
  );

const stage = z.discriminatedUnion("kind", [
  buildStage,
  checkStage,
  testStage,
  smokeStage,
  migrationStage,
]);

export const guardConfig = z.strictObject({
  $schema: z.string().optional().describe("Where this schema lies, for editors; not read."),
  version: z.literal(1).describe("The version of this format."),
  dependencies: z
    .strictObject({
      manager: z
        .enum(["pnpm", "npm", "none"])
        .describe("The package manager; `none` where nothing is installed."),
    })
    .describe(
      "Which package manager builds the read-only dependency tree from the base's lockfile.",
    ),
  stages: z
    .array(stage)
    .min(1)
    .describe("What a change has to pass, each in the sandbox, in the order of this list."),
  protected: z
    .strictObject({
      tests: z.array(glob).describe("Existing files that judge: they may be added, not changed."),
      evaluator: z.array(glob).describe("Files that configure gates: neither added nor changed."),
      dependencies: z
        .array(glob)
        .describe(
          "Manifests, lockfiles and settings of package managers: neither added nor changed.",
        ),
      paths: z.array(glob).describe("Anything else that only a person may add or change."),
    })
    .partial()
    .optional()
    .describe(
      "Paths whose change waits for a person, beside those that every repository has protected.",
    ),
  kernel: z
    .strictObject({
      entries: z.array(glob).describe("Modules whose import closure runs with credentials."),
      paths: z.array(glob).describe("Files that the kernel reads or people run."),
      program: z
        .string()
        .regex(/^(?!\.\.?\/)[\w-][\w.-]*(\/[\w-][\w.-]*)*$/, "expected a path in a release")
        .describe(
          "The built program of the kernel. Where Jarvis guards the repository it was started from, its kernel moves to blessed releases that hold it.",
        ),
    })
    .partial()
    .optional()
    .describe("Where the code that judges lies in this repository itself."),
  limits: z
    .strictObject({
      allowBinary: z
        .boolean()
        .describe("Whether a change may hold files that are not UTF-8 text.")
        .meta({ default: false }),
      patchBytes: z
        .number()
        .int()
        .min(1_024)
        .max(MAX_PATCH_BYTES)
        .describe("How large a patch may be, in bytes of UTF-8.")
        .meta({ default: DEFAULT_PATCH_BYTES }),
    })
    .partial()
    .optional()
    .describe("What a change may hold."),
  landing: z
    .enum(["fast-forward", "merge"])
    .optional()
    .describe("How a change lands; merge needs a base whose protection is strict.")
    .meta({ default: "fast-forward" }),
  body: z
    .strictObject({
      argv,
      limits: z
        .strictObject({
          memoryBytes: memoryBytes.meta({ default: defaultBodyResources.memoryBytes }),
          processes: processes.meta({ default: defaultBodyResources.processes }),
        })
        .partial()
        .optional()
        .describe("What the body may use; it has no limit of time."),
    })
    .optional()
    .describe(
      "The program of a release that runs and is watched; without it a change ends when it is promoted.",
    ),
  healthWindow: healthWindowConfig.optional(),
});

export type GuardConfig = z.infer<typeof guardConfig>;
export type Stage = z.infer<typeof stage>;
export type BuildStage = z.infer<typeof buildStage>;
export type CheckStage = z.infer<typeof checkStage>;
export type TestStage = z.infer<typeof testStage>;
export type SmokeStage = z.infer<typeof smokeStage>;
export type MigrationStage = z.infer<typeof migrationStage>;

export const CONFIG_PATH = "jarvis.config.json";

/** Parses `jarvis.config.json`. Throws `invalid-config` naming each wrong value and what was expected. */
export function parseGuardConfig(text: string): GuardConfig {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new SelfExtensionError("invalid-config", `${CONFIG_PATH} is not JSON; mend its syntax.`, {
      cause,
    });
  }
  const parsed = guardConfig.safeParse(json);
  if (!parsed.success) {
    const problems = parsed.error.issues
      .map((issue) => `${issue.path.join(".") || "(top level)"}: ${issue.message}`)
      .join("; ");
    throw new SelfExtensionError("invalid-config", `${CONFIG_PATH} is not valid: ${problems}`);
  }
  return parsed.data;
}

/** The published JSON schema of the configuration. */
export function guardConfigSchema(): Record<string, unknown> {
  return z.toJSONSchema(guardConfig, { io: "input" });
}
