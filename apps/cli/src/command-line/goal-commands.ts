import { goalStates } from "@jarvis/db/goal-words";
import { InvalidArgumentError, type Command } from "commander";
import type { GoalOptions } from "../commands/goals.ts";
import type { CliConfig } from "../config.ts";
import type { Answer } from "../outcome.ts";
import { noMore, oneOf, unreadable } from "./argument-parsers.ts";
import type { CommandLine } from "./command-line.ts";

const words = ["add", "list", "show", "pause", "resume", "cancel"] as const;

/** `jarvis goal` and `jarvis run`. */
export function addGoalCommands({ command, answer }: CommandLine): void {
  withBudget(command("goal", "what Jarvis is asked to make of itself"))
    .argument("<what>", words.join(", "), oneOf(words))
    .argument("[goal]", "for add what is to be done, else the goal's id")
    .option("--reason <text>", "why: for pause, resume and cancel")
    .option("--state <state>", "for list: in one state", oneOf(goalStates))
    .option("--limit <n>", "for list: how many", whole, 20)
    .action(answer(async (config, cmd) => await goal(config, cmd)));

  withBudget(command("run", "add one goal and watch it until it has ended"))
    .argument("<goal>", "what is to be done")
    .action(
      answer(async (config, cmd) => {
        const { runGoal } = await import("../commands/goals.ts");
        return await runGoal(config, cmd.processedArgs[0] as string, cmd.opts<GoalOptions>());
      }),
    );
}

async function goal(config: CliConfig, cmd: Command): Promise<Answer> {
  const [what, given] = cmd.processedArgs as [(typeof words)[number], string | undefined];
  const options = cmd.opts<GoalOptions & { reason?: string; state?: string; limit: number }>();
  const { addGoal, listGoals, moveGoal, showGoal } = await import("../commands/goals.ts");
  if (what === "list") {
    noMore("goal list", given);
    return await listGoals(config, options);
  }
  if (given === undefined || given.trim() === "") {
    throw unreadable(`Name the goal: \`jarvis goal ${what} ${what === "add" ? "TEXT" : "ID"}\`.`);
  }
  if (what === "add") return await addGoal(config, given, options);
  if (what === "show") return await showGoal(config, given);
  const { reason } = options;
  if (reason === undefined || reason.trim() === "") {
    throw unreadable(`Say why: \`jarvis goal ${what} ID --reason TEXT\`.`);
  }
  return await moveGoal(config, given, { move: what, reason });
}

function withBudget(command: Command): Command {
  return command
    .option("--priority <n>", "the higher is worked on first", signed)
    .option("--attempts <n>", "how often it may be tried", whole)
    .option("--tokens <n>", "tokens that it may take", whole)
    .option("--usd <n>", "dollars that it may take", money)
    .option("--steps <n>", "answers of the model that it may take", whole)
    .option("--minutes <n>", "minutes of the model that it may take", whole);
}

function whole(text: string): number {
  if (/^[1-9]\d{0,11}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("expected a whole number from 1");
}

function signed(text: string): number {
  if (/^-?\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("expected a whole number");
}

function money(text: string): number {
  if (/^\d{1,6}(\.\d{1,6})?$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError("expected dollars, such as 2.50");
}
