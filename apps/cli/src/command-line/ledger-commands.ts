import type { Command } from "commander";
import {
  ledgerCommands,
  type LedgerCommand,
  type LedgerOptions,
} from "../commands/ledger-words.ts";
import { readCliConfig } from "../config.ts";
import { noMore, oneOf, reasonGiven } from "./argument-parsers.ts";
import type { CommandLine, GlobalOptions } from "./command-line.ts";

/** What is said about one thing; the others are about the whole ledger. */
const withSubject: ReadonlySet<LedgerCommand> = new Set(["prove", "check", "redact"] as const);

/** The ledger as a whole: kept elsewhere, filled again, and proved. */
export function addLedgerCommands({ command, answer }: CommandLine): void {
  command("backup", "write everything but the key to one file, while the kernel runs")
    .argument("<file>", "the file to write; one that is there is replaced")
    .action(
      answer(async (config, cmd) => {
        const { backup } = await import("../commands/backup.ts");
        return await backup(config, String(cmd.args[0]));
      }),
    );

  command("restore", "fill an empty database from a backup: our own, or an operator's server")
    .argument("<file>", "what `jarvis backup` wrote")
    .requiredOption("--reason <text>", "why; it is recorded", reasonGiven)
    .action(
      answer(async (config, cmd) => {
        const { restore } = await import("../commands/backup.ts");
        return await restore(config, String(cmd.args[0]), cmd.opts<{ reason: string }>().reason);
      }),
    );

  command("recover", "go on from a restored database that is not what was seen")
    .requiredOption("--accept-restore", "events after the backup are lost, and that is accepted")
    .requiredOption("--reason <text>", "why; it goes into the ledger", reasonGiven)
    .action(
      answer(async (config, cmd) => {
        const { recover } = await import("../commands/recover.ts");
        return await recover(config, cmd.opts<{ reason: string }>().reason);
      }),
    );

  command(
    "ledger",
    "verify, prove, check or export the sealed ledger; redact a blob, rotate the key",
  )
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
      if (!withSubject.has(what)) noMore(`ledger ${what}`, subject);
      if (what === "export" && options.out === undefined) {
        // Line by line, which is an answer of its own.
        const { exportToOutput } = await import("../commands/ledger.ts");
        await exportToOutput(readCliConfig(options));
        return;
      }
      const { runLedger } = await import("../commands/ledger-command.ts");
      const work = answer(async (config) => await runLedger(config, what, subject, options));
      await work(...args);
    });
}
