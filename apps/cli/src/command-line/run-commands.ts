import type { SelfExtensionEventType } from "@jarvis/db/lifecycle-words";
import { selfExtensionEventTypes } from "@jarvis/db/lifecycle-words";
import type { Command } from "commander";
import { readCliConfig } from "../config.ts";
import { oneOf, positive } from "./argument-parsers.ts";
import type { CommandLine, GlobalOptions } from "./command-line.ts";

/** Handing in a change, and what became of changes. */
export function addRunCommands({ command, answer }: CommandLine): void {
  command("propose", "hand in a change as a git patch")
    .requiredOption("--patch <file>", "a git patch, or - for standard input")
    .option("--goal <text>", "what the change is for")
    .option("--title <text>", "one line that names it")
    .option("--tool <name>", "the tool that wrote it")
    .option("--wait", "wait for the outcome and answer the result")
    .action(
      answer(async (config, cmd) => {
        const { propose } = await import("../commands/proposals.ts");
        return await propose(config, cmd.opts());
      }),
    );

  command("runs", "list the runs, newest first")
    .option("--limit <n>", "how many", positive, 20)
    .action(
      answer(async (config, cmd) => {
        const { runs } = await import("../commands/reading.ts");
        return await runs(config, cmd.opts());
      }),
    );

  command("show", "one run with its stages, evidence, events and links")
    .argument("<run>", "the run id")
    .action(
      answer(async (config, cmd) => {
        const { show } = await import("../commands/reading.ts");
        return await show(config, String(cmd.args[0]));
      }),
    );

  command("events", "the ledger")
    .option("--run <id>", "of one run")
    .option("--type <type>", "of one type", oneOf(selfExtensionEventTypes))
    .option("--limit <n>", "how many", positive, 50)
    .option("--follow", "go on printing events as they come")
    .action(async (...args: unknown[]) => {
      const cmd = args.at(-1) as Command;
      const options = cmd.opts<
        GlobalOptions & {
          follow?: boolean;
          limit: number;
          run?: string;
          type?: SelfExtensionEventType;
        }
      >();
      const { events, followEvents } = await import("../commands/reading.ts");
      if (options.follow === true) {
        await followEvents(readCliConfig(options), { ...options, json: options.json === true });
        return;
      }
      await answer(async (config) => await events(config, options))(...args);
    });
}
