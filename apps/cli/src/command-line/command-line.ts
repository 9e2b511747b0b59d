import { Command } from "commander";
import { readCliConfig, type CliConfig } from "../config.ts";
import { exitCodes, type Answer, type ExitCode } from "../outcome.ts";

/** Where answers and everything else are written to. */
export interface Terminal {
  readonly writeOut: (text: string) => void;
  readonly writeErr: (text: string) => void;
}

/** The four flags of every command. */
export interface GlobalOptions {
  readonly repo?: string;
  readonly stateDir?: string;
  readonly json?: boolean;
  readonly debug?: boolean;
}

/**
 * What the groups of commands add themselves to. Each names its flags at once and loads what it does
 * when it is run, because most commands need a small part of everything.
 */
export interface CommandLine {
  readonly program: Command;
  /** Of the command that was run: what its answer or its work ended with. */
  exitCode: ExitCode;
  readonly command: (name: string, description: string) => Command;
  /** A command that is answered: on standard output, as text or as one JSON document. */
  readonly answer: (
    work: (config: CliConfig, cmd: Command) => Promise<Answer>,
  ) => (...args: unknown[]) => Promise<void>;
}

export function makeCommandLine(terminal: Terminal): CommandLine {
  const program = new Command("jarvis")
    .description("An agent that changes its own source and cannot hurt itself doing it.")
    .exitOverride()
    .configureOutput(terminal)
    .showSuggestionAfterError(true);
  const line: CommandLine = {
    program,
    exitCode: exitCodes.done,
    command: (name, description) =>
      program
        .command(name)
        .description(description)
        .exitOverride()
        .option(
          "--repo <dir>",
          "the repository that is guarded (default: this directory, or JARVIS_REPO)",
        )
        .option(
          "--state-dir <dir>",
          "where the state lies (default: .jarvis in it, or JARVIS_STATE_DIR)",
        )
        .option("--json", "print one JSON document")
        .option("--debug", "print the stack trace of an error"),
    answer:
      (work) =>
      async (...args) => {
        const cmd = args.at(-1) as Command;
        const options = cmd.opts<GlobalOptions>();
        const result = await work(readCliConfig(options), cmd);
        const said = options.json === true ? JSON.stringify(result.json) : result.text;
        terminal.writeOut(`${said}\n`);
        line.exitCode = result.exitCode ?? exitCodes.done;
      },
  };
  return line;
}
