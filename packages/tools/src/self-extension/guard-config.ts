import { z } from "zod";
import { SelfExtensionError } from "./errors.ts";
import { healthWindowConfig } from "./health/health-window-config.ts";

const glob = z.string().min(1).describe("A glob over repository paths, with / as the separator.");

const stageLimits = z
  .strictObject({
    wallMs: z.number().int().min(1_000).max(3_600_000),
    cpuSeconds: z.number().int().min(1).max(7_200),
    memoryBytes: z
      .number()
      .int()
      .min(64 * 2 ** 20),
    processes: z.number().int().min(8).max(4_096),
    outputBytes: z
      .number()
      .int()
      .min(1_024)
      .max(64 * 2 ** 20),
    fileBytes: z.number().int().min(1_024),
    writableBytes: z.number().int().min(1_024),
    tmpBytes: z.number().int().min(1_048_576),
  })
  .partial()
  .describe("What a stage may use; times in milliseconds, sizes in bytes.");

const argv = z
  .array(z.string().min(1))
  .min(1)
  .describe("The program and its arguments; never a shell string.");

const buildStage = z.strictObject({
  kind: z.literal("build"),
  name: z.string().min(1),
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
  kind: z.literal("check"),
  name: z.string().min(1),
  argv,
  limits: stageLimits.optional(),
});

const testStage = z.strictObject({
  kind: z.literal("test"),
  name: z.string().min(1),
  runner: z.enum(["vitest", "node-test", "custom"]),
  argv: argv.describe("The runner without test files; the files and the reporter are appended."),
  cwd: z
    .string()
    .optional()
    .describe("Directory the runner starts in, relative to the repository."),
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
  kind: z.literal("smoke"),
  name: z.string().min(1),
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
    kind: z.literal("migration"),
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

/** The kinds of stages that a configuration can name. */
export const stageKinds = stage.options.map(({ shape }) => shape.kind.value);

export const guardConfig = z.strictObject({
  $schema: z.string().optional(),
  version: z.literal(1),
  dependencies: z
    .strictObject({ manager: z.enum(["pnpm", "npm", "none"]) })
    .describe(
      "Which package manager builds the read-only dependency tree from the base's lockfile.",
    ),
  stages: z.array(stage).min(1),
  protected: z
    .strictObject({
      tests: z.array(glob).describe("Existing files that judge: they may be added, not changed."),
      evaluator: z.array(glob).describe("Files that configure gates: neither added nor changed."),
      dependencies: z.array(glob),
      paths: z.array(glob),
    })
    .partial()
    .optional(),
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
    .optional(),
  limits: z
    .strictObject({
      allowBinary: z.boolean().describe("Whether a change may hold files that are not UTF-8 text."),
      patchBytes: z
        .number()
        .int()
        .min(1_024)
        .max(32 * 2 ** 20),
    })
    .partial()
    .optional(),
  landing: z
    .enum(["fast-forward", "merge"])
    .optional()
    .describe("How a change lands; merge needs a base whose protection is strict."),
  body: z
    .strictObject({
      argv,
      limits: stageLimits.pick({ memoryBytes: true, processes: true }).optional(),
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
export const DEFAULT_PATCH_BYTES = 2 * 2 ** 20;

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
