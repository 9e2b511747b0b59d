import { reasonGiven } from "./argument-parsers.ts";
import type { CommandLine } from "./command-line.ts";

/** What runs: back to what ran before, and its tools. */
export function addBodyCommands({ command, answer }: CommandLine): void {
  command("rollback", "go back to the release blessed before this one, or to an earlier one")
    .option("--to <sha>", "an earlier blessed release")
    .requiredOption("--reason <text>", "why", reasonGiven)
    .action(
      answer(async (config, cmd) => {
        const { rollback } = await import("../commands/releases.ts");
        return await rollback(config, cmd.opts<{ reason: string; to?: string }>());
      }),
    );

  command("call", "call a tool of the body that runs")
    .argument("<tool>", "its name; `jarvis status --json` lists them")
    .option("--input <json>", "what it is given", "{}")
    .action(
      answer(async (config, cmd) => {
        const { callTool } = await import("../commands/releases.ts");
        return await callTool(config, String(cmd.args[0]), cmd.opts<{ input: string }>().input);
      }),
    );
}
