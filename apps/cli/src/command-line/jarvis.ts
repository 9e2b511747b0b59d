import { CommanderError } from "commander";
import { failureOf } from "../failure.ts";
import { exitCodes, KernelEnded, type ExitCode } from "../outcome.ts";
import { plain } from "../plain-text.ts";
import { addAccessCommands } from "./access-commands.ts";
import { addActionCommands } from "./action-commands.ts";
import { addBodyCommands } from "./body-commands.ts";
import { makeCommandLine, type Terminal } from "./command-line.ts";
import { addGoalCommands } from "./goal-commands.ts";
import { addMcpCommand, addTrialCommands, addUpCommand } from "./kernel-commands.ts";
import { addLedgerCommands } from "./ledger-commands.ts";
import { addLiftCommands } from "./lift-commands.ts";
import { addRunCommands } from "./run-commands.ts";
import { addSwitchCommands } from "./switch-commands.ts";

/** In the order in which the help lists them. */
const groups = [
  addUpCommand,
  addRunCommands,
  addSwitchCommands,
  addActionCommands,
  addAccessCommands,
  addBodyCommands,
  addLiftCommands,
  addGoalCommands,
  addMcpCommand,
  addLedgerCommands,
  addTrialCommands,
];

/** Runs one command: an answer goes to standard output, all else to standard error. */
export async function jarvis(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const line = makeCommandLine(terminal);
  for (const add of groups) add(line);
  try {
    await line.program.parseAsync(argv, { from: "user" });
    return line.exitCode;
  } catch (error) {
    const failure = await failureOf(error);
    const { exitCode, code } = failure;
    // Messages may repeat text of candidates and of other programs.
    const own = error instanceof Error ? error.message : String(error);
    const message = plain(failure.message ?? own);
    // commander has printed its own words already, and the kernel said its own.
    const isSaid = error instanceof CommanderError || error instanceof KernelEnded;
    if (!isSaid) terminal.writeErr(`jarvis: ${message}\n`);
    if (exitCode !== exitCodes.done && argv.includes("--json")) {
      terminal.writeOut(`${JSON.stringify({ error: { code, message } })}\n`);
    }
    if (argv.includes("--debug") && error instanceof Error) {
      terminal.writeErr(`${error.stack ?? ""}\n`);
    }
    return exitCode;
  }
}
