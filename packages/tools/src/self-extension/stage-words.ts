import type { Stage } from "./guard-config.ts";

/** What a stage of a verification can do: the kinds that `jarvis.config.json` can name. */
export const stageKinds = [
  "build",
  "check",
  "test",
  "smoke",
  "migration",
] as const satisfies readonly Stage["kind"][];

/** How a stage of a verification ended. `error`: nobody's verdict, the machine failed. */
export const stageStatuses = ["passed", "failed", "error", "not-run"] as const;

/**
 * What the tests of a tree show. `black-box`: a process that loads no candidate code asked the built
 * program. `in-process`: tests alone, which run beside the code they test. `none`: neither.
 */
export const testEvidences = ["black-box", "in-process", "none"] as const;
export type TestEvidence = (typeof testEvidences)[number];

/**
 * Every word that can stand in a stage's `category`, and what it says of a stage that did not pass.
 * The set is closed and part of the contract: scripts branch on these words.
 */
export const failureCategoryMeanings = {
  // The program itself ended.
  "exit-code": "The program ended with an exit code other than 0.",
  crashed: "The program was ended by a signal that nobody of us sent.",
  // The sandbox ended it: the words are those of its `KillReason`.
  "wall-timeout": "The program did not end in time and was killed.",
  memory: "The program used more memory than allowed and was killed.",
  "output-limit": "The program printed more than allowed and was killed.",
  "disk-limit": "The program wrote more than allowed and was killed.",
  aborted: "The kill switch or a stop ended the program.",
  // What the stage asked for was not there, or not as it was asked for.
  "output-refused":
    "The build left something that is no plain file, or had no place for its output.",
  "tests-failed": "The runner ended with an exit code other than 0.",
  "no-tests": "The stage has no test files.",
  "examples-invalid": "A file of examples cannot be read.",
  "smoke-failed": "The built program did not answer as it had to.",
  "migration-irreversible": "The base does not run on the data that the change migrated.",
  // Nobody can say.
  "verdict-not-trusted":
    "The run cannot be believed: a base test did not run, or no control failed.",
  infrastructure: "The sandbox gave no verdict, which is not the change's fault.",
} as const;

export type FailureCategory = keyof typeof failureCategoryMeanings;

export const failureCategories = Object.keys(failureCategoryMeanings) as [
  FailureCategory,
  ...FailureCategory[],
];

/** Why a stage did not pass: a closed word for programs, a sentence for people. */
export interface StageFailure {
  readonly category: FailureCategory;
  readonly reason: string;
}
