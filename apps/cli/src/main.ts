import { Command, CommanderError, InvalidArgumentError } from "commander";
import { ActionStatus, AuditEvent } from "@jarvis/operator-core";
import { actions, approve, audit, cancel, reject, showAction } from "./commands/actions.ts";
import { login } from "./commands/login.ts";
import { propose } from "./commands/proposals.ts";
import { events, followEvents, runs, show } from "./commands/reading.ts";
import { pause, resume } from "./commands/pause.ts";
import { accept, kill, setMode, status } from "./commands/switches.ts";
import { callTool, liftHold, listHolds, rollback } from "./commands/releases.ts";
import { listSessions, releaseSession } from "./commands/sessions.ts";
import { takeOver } from "./commands/host.ts";
import { token } from "./commands/tokens.ts";
import { KernelEnded, up } from "./commands/up.ts";
import { ledgerCommands, type LedgerCommand, type LedgerOptions } from "./commands/ledger-words.ts";
import { readCliConfig, type CliConfig } from "./config.ts";
import { codeOf } from "./failure.ts";
import { addGoalCommands } from "./goal-commands.ts";
import { CommandError, exitCodes, type Answer } from "./outcome.ts";
import { plain } from "./text.ts";

interface GlobalOptions {
  readonly repo?: string;
  readonly stateDir?: string;
  readonly json?: boolean;
  readonly debug?: boolean;
}

const program = new Command("jarvis")
  .description("An agent that changes its own source and cannot hurt itself doing it.")
  .exitOverride()
  .configureOutput({
    writeOut: (text) => process.stdout.write(text),
    writeErr: (text) => process.stderr.write(text),
  })
  .showSuggestionAfterError(true);

/** Every command takes the same four flags; an answer goes to standard output, all else to standard error. */
function command(name: string, description: string): Command {
  return program
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
    .option("--debug", "print the stack trace of an error");
}

function answer(
  work: (config: CliConfig, cmd: Command) => Promise<Answer>,
): (...args: unknown[]) => Promise<void> {
  return async (...args) => {
    const cmd = args.at(-1) as Command;
    const options = cmd.opts<GlobalOptions>();
    const result = await work(readCliConfig(options), cmd);
    process.stdout.write(
      options.json === true ? `${JSON.stringify(result.json)}\n` : `${result.text}\n`,
    );
    process.exitCode = result.exitCode ?? exitCodes.done;
  };
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 500) {
    throw new InvalidArgumentError("expected a whole number from 1 to 500");
  }
  return value;
}

function port(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError("expected a port number from 0 to 65535");
}

function reasonGiven(text: string): string {
  if (text.trim() === "") throw new InvalidArgumentError("expected a reason that others can read");
  return text;
}

function actionId(text: string): number {
  const value = Number(text);
  if (!/^[1-9]\d{0,15}$/.test(text) || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError("expected a whole number from 1");
  }
  return value;
}

function oneOf<T extends string>(words: readonly T[]): (text: string) => T {
  return (text) => {
    const word = words.find((known) => known === text);
    if (word === undefined) throw new InvalidArgumentError(`expected ${words.join(", ")}`);
    return word;
  };
}

const stateNamed = oneOf(ActionStatus.options);
const eventTypeNamed = oneOf(AuditEvent.shape.eventType.options);

command("up", "run the kernel: database, forge where no GitHub is connected, pipeline, API")
  .option("--port <n>", "the port to listen on; a busy one is answered with the next free")
  .option("--once", "stop as soon as everything is up")
  .option("--dependencies-dir <dir>", "where dependency trees are kept")
  .option("--listen <address>", "another address than 127.0.0.1; only with --public-url")
  .option("--public-url <url>", "what a browser opens: https, of a proxy in front of Jarvis")
  .action(async (_options: unknown, cmd: Command) => {
    const options = cmd.opts<
      GlobalOptions & {
        port?: string;
        once?: boolean;
        dependenciesDir?: string;
        listen?: string;
        publicUrl?: string;
      }
    >();
    process.exitCode = await up(readCliConfig(options), {
      ...options,
      json: options.json === true,
    });
  });

command("propose", "hand in a change as a git patch")
  .requiredOption("--patch <file>", "a git patch, or - for standard input")
  .option("--goal <text>", "what the change is for")
  .option("--title <text>", "one line that names it")
  .option("--tool <name>", "the tool that wrote it")
  .option("--wait", "wait for the outcome and answer the result")
  .action(answer(async (config, cmd) => await propose(config, cmd.opts())));

command("runs", "list the runs, newest first")
  .option("--limit <n>", "how many", positive, 20)
  .action(answer(async (config, cmd) => await runs(config, cmd.opts())));

command("show", "one run with its stages, evidence, events and links")
  .argument("<run>", "the run id")
  .action(answer(async (config, cmd) => await show(config, String(cmd.args[0]))));

command("events", "the ledger")
  .option("--run <id>", "of one run")
  .option("--type <type>", "of one type")
  .option("--limit <n>", "how many", positive, 50)
  .option("--follow", "go on printing events as they come")
  .action(async (...args: unknown[]) => {
    const cmd = args.at(-1) as Command;
    const options = cmd.opts<
      GlobalOptions & { follow?: boolean; limit: number; run?: string; type?: string }
    >();
    if (options.follow === true) {
      await followEvents(readCliConfig(options), { ...options, json: options.json === true });
      return;
    }
    await answer(async (config) => await events(config, options))(...args);
  });

command("status", "switches, base, current runs, sandbox, database, forge").action(
  answer(async (config) => await status(config)),
);

command("pause", "pause promotion and wait until none can land; the agent goes on working")
  .requiredOption("--reason <text>", "why; it goes into the ledger", reasonGiven)
  .action(
    answer(async (config, cmd) => await pause(config, cmd.opts<{ reason: string }>().reason)),
  );

command("resume", "lift the promotion pause; parked runs continue")
  .option("--reason <text>", "why", reasonGiven, "resumed by an operator")
  .action(
    answer(async (config, cmd) => await resume(config, cmd.opts<{ reason: string }>().reason)),
  );

command("mode", "observe (changes are tested only) or execute (they are promoted)")
  .argument("<mode>", "observe or execute", (text: string) => {
    if (text !== "observe" && text !== "execute") {
      throw new InvalidArgumentError("expected observe or execute");
    }
    return text;
  })
  .option("--reason <text>", "why", reasonGiven, "set by an operator")
  .action(
    answer(async (config, cmd) => {
      const mode = cmd.args[0] === "execute" ? "execute" : "observe";
      return await setMode(config, { mode, reason: cmd.opts<{ reason: string }>().reason });
    }),
  );

command("kill", "end every sandbox and set observe, at once")
  .requiredOption("--reason <text>", "why; it is kept with the switch", reasonGiven)
  .action(answer(async (config, cmd) => await kill(config, cmd.opts<{ reason: string }>().reason)));

command("accept", "attest a base that came from outside")
  .argument("<sha>", "the full commit SHA that you looked at")
  .action(answer(async (config, cmd) => await accept(config, String(cmd.args[0]))));

command("actions", "proposed actions, newest first; or one of them")
  .argument("[id]", "the action's id: show it as it would be approved", actionId)
  .option("--state <state>", "in one state", stateNamed)
  .option("--limit <n>", "how many", positive, 20)
  .action(
    answer(async (config, cmd) => {
      const [id] = cmd.processedArgs as [number | undefined];
      return id === undefined ? await actions(config, cmd.opts()) : await showAction(config, id);
    }),
  );

command("approve", "approve a proposed action as it is shown, with the approver's token")
  .argument("<id>", "the action's id", actionId)
  .option("--digest <digest>", "approve only what has this digest, without asking")
  .action(
    answer(async (config, cmd) => {
      const { digest, json } = cmd.opts<GlobalOptions & { digest?: string }>();
      const options = { json: json === true, ...(digest === undefined ? {} : { digest }) };
      return await approve(config, cmd.processedArgs[0] as number, options);
    }),
  );

command("reject", "reject a proposed action")
  .argument("<id>", "the action's id", actionId)
  .requiredOption("--reason <text>", "why", reasonGiven)
  .action(
    answer(async (config, cmd) => {
      const { reason } = cmd.opts<{ reason: string }>();
      return await reject(config, cmd.processedArgs[0] as number, reason);
    }),
  );

command("cancel", "cancel a proposed action, or stop it where it runs")
  .argument("<id>", "the action's id", actionId)
  .requiredOption("--reason <text>", "why", reasonGiven)
  .action(
    answer(async (config, cmd) => {
      const { reason } = cmd.opts<{ reason: string }>();
      return await cancel(config, cmd.processedArgs[0] as number, reason);
    }),
  );

command("audit", "the action ledger, oldest first")
  .option("--action <id>", "of one action", actionId)
  .option("--type <type>", "of one type", eventTypeNamed)
  .option("--after <id>", "after the event with this id", actionId)
  .option("--limit <n>", "how many", positive, 50)
  .action(answer(async (config, cmd) => await audit(config, cmd.opts())));

command("login", "a link that lets one browser in to the operator's page")
  .option("--role <role>", "read, operate or approve", "operate")
  .action(answer(async (config, cmd) => await login(config, cmd.opts<{ role: string }>())));

command("token", "who else may speak to the kernel")
  .argument("<what>", "add, list or revoke", (text: string) => {
    if (!["add", "list", "revoke"].includes(text)) {
      throw new InvalidArgumentError("expected add, list or revoke");
    }
    return text;
  })
  .argument("[name]", "whose token: the name that is recorded")
  .option("--role <role>", "read, propose, operate or approve")
  .action(
    answer(async (config, cmd) => {
      const [what, name] = cmd.processedArgs as [string, string | undefined];
      return await token(config, what, name, cmd.opts());
    }),
  );

command("rollback", "back to the baseline, or to an earlier blessed release")
  .option("--to <sha>", "an earlier blessed release")
  .requiredOption("--reason <text>", "why", reasonGiven)
  .action(
    answer(
      async (config, cmd) => await rollback(config, cmd.opts<{ reason: string; to?: string }>()),
    ),
  );

command("call", "call a tool of the body that runs")
  .argument("<tool>", "its name; `jarvis status --json` lists them")
  .option("--input <json>", "what it is given", "{}")
  .action(
    answer(
      async (config, cmd) =>
        await callTool(config, String(cmd.args[0]), cmd.opts<{ input: string }>().input),
    ),
  );

command("hold", "what was rolled back and is not taken again")
  .argument("<what>", "list or lift", (text: string) => {
    if (text !== "list" && text !== "lift") throw new InvalidArgumentError("expected list or lift");
    return text;
  })
  .argument("[run]", "the run whose hold is lifted")
  .option("--reason <text>", "why", reasonGiven)
  .action(
    answer(async (config, cmd) => {
      const [what, run] = cmd.processedArgs as [string, string | undefined];
      const { reason } = cmd.opts<{ reason?: string }>();
      if (what === "list") return await listHolds(config);
      if (run === undefined || reason === undefined) {
        throw new CommandError(
          exitCodes.unreadable,
          "invalid-argument",
          "Name the run and say why: `jarvis hold lift RUN --reason TEXT`.",
        );
      }
      return await liftHold(config, run, { reason });
    }),
  );

command("session", "sessions of actions that risked too much and may only observe")
  .argument("<what>", "list or release", (text: string) => {
    if (text !== "list" && text !== "release") {
      throw new InvalidArgumentError("expected list or release");
    }
    return text;
  })
  .argument("[session]", "the session that may act again")
  .option("--reason <text>", "why", reasonGiven)
  .action(
    answer(async (config, cmd) => {
      const [what, session] = cmd.processedArgs as [string, string | undefined];
      const { reason } = cmd.opts<{ reason?: string }>();
      if (what === "list") return await listSessions(config);
      if (session === undefined || reason === undefined) {
        throw new CommandError(
          exitCodes.unreadable,
          "invalid-argument",
          "Name the session and say why: `jarvis session release SESSION --reason TEXT`.",
        );
      }
      return await releaseSession(config, session, { reason });
    }),
  );

command("takeover", "promote to the repository as it is now, instead of whoever did before")
  .requiredOption("--reason <text>", "why; it goes into the action ledger", reasonGiven)
  .action(answer(async (config, cmd) => await takeOver(config, cmd.opts<{ reason: string }>())));

addGoalCommands({ command, answer });

command("mcp", "let another agent propose changes and watch them, over MCP")
  .option("--token-file <file>", "holds the agent's token (default: JARVIS_TOKEN_FILE)")
  .option("--http <port>", "serve streamable HTTP on 127.0.0.1 instead of standard streams", port)
  .action(async (_options: unknown, cmd: Command) => {
    const options = cmd.opts<GlobalOptions & { tokenFile?: string; http?: number }>();
    const { serveMcp } = await import("./mcp/serve-mcp.ts");
    await serveMcp(readCliConfig(options), options);
  });

command("backup", "write everything but the key to one file, while the kernel runs")
  .argument("<file>", "the file to write; one that is there is replaced")
  .action(
    answer(async (config, cmd) => {
      const { backup } = await import("./commands/backup.ts");
      return await backup(config, String(cmd.args[0]));
    }),
  );

command("restore", "fill an empty database from a backup: our own, or an operator's server")
  .argument("<file>", "what `jarvis backup` wrote")
  .requiredOption("--reason <text>", "why; it is recorded", reasonGiven)
  .action(
    answer(async (config, cmd) => {
      const { restore } = await import("./commands/backup.ts");
      return await restore(config, String(cmd.args[0]), cmd.opts<{ reason: string }>().reason);
    }),
  );

command("recover", "go on from a restored database that ends before what was seen")
  .requiredOption("--accept-restore", "events after the backup are lost, and that is accepted")
  .requiredOption("--reason <text>", "why; it goes into the ledger", reasonGiven)
  .action(
    answer(async (config, cmd) => {
      const { recover } = await import("./commands/backup.ts");
      return await recover(config, cmd.opts<{ reason: string }>().reason);
    }),
  );

command("ledger", "verify, prove, check or export the sealed ledger; redact a blob, rotate the key")
  .argument("<what>", "verify, prove, check, export, redact or rotate-key", oneOf(ledgerCommands))
  .argument(
    "[subject]",
    "prove: events:ID, actions:ID or records:ID; check: the bundle's file; redact: a digest",
  )
  .option("--out <file>", "prove, export: where to write")
  .option("--lost", "rotate-key: the key in use is gone, and cannot introduce the next")
  .option("--reason <text>", "redact, rotate-key: why", reasonGiven)
  .action(async (...args: unknown[]) => {
    const cmd = args.at(-1) as Command;
    const [what, subject] = cmd.processedArgs as [LedgerCommand, string | undefined];
    const options = cmd.opts<GlobalOptions & LedgerOptions>();
    if (what === "export" && options.out === undefined) {
      // Line by line, which is an answer of its own.
      const { exportAll } = await import("./commands/ledger.ts");
      await exportAll(readCliConfig(options), {});
      return;
    }
    const { runLedger } = await import("./commands/ledger-command.ts");
    const work = answer(async (config) => await runLedger(config, what, subject, options));
    await work(...args);
  });

command("doctor", "what is missing on this machine, and the command that mends it").action(
  answer(async (config) => {
    // It knows the whole pipeline, which no other command has to load.
    const { doctor } = await import("./commands/doctor.ts");
    return await doctor(config);
  }),
);

command(
  "demo",
  "show what happens to useful, broken and hostile changes, in a throw-away state",
).action(async (_options: unknown, cmd: Command) => {
  const { demonstrate } = await import("./demo/demonstration.ts");
  process.exitCode = await demonstrate(readCliConfig(cmd.opts<GlobalOptions>()));
});

try {
  await program.parseAsync();
} catch (error) {
  const { exitCode, code } = codeOf(error);
  process.exitCode = exitCode;
  // Messages may repeat text of candidates and of other programs.
  const message = plain(error instanceof Error ? error.message : String(error));
  // commander has printed its own words already, and the kernel said its own.
  const isSaid = error instanceof CommanderError || error instanceof KernelEnded;
  if (!isSaid) process.stderr.write(`jarvis: ${message}\n`);
  if (exitCode !== exitCodes.done && process.argv.includes("--json")) {
    process.stdout.write(`${JSON.stringify({ error: { code, message } })}\n`);
  }
  if (process.argv.includes("--debug") && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ""}\n`);
  }
}
