import type { CliConfig } from "../config.ts";
import { CommandError, exitCodes, type Answer } from "../outcome.ts";
import type { LedgerCommand, LedgerOptions } from "./ledger-words.ts";
import { check, exportToFile, prove, redact, rotateKey, verify } from "./ledger.ts";

/** One command of `jarvis ledger`. */
export async function runLedger(
  config: CliConfig,
  what: LedgerCommand,
  subject: string | undefined,
  { out, lost = false, reason }: LedgerOptions,
): Promise<Answer> {
  const to = out === undefined ? {} : { out };
  switch (what) {
    case "verify":
      return await verify(config);
    case "prove":
      return await prove(
        config,
        required(subject, "the event: `jarvis ledger prove events:ID`"),
        to,
      );
    case "check":
      return await check(
        config,
        required(subject, "the bundle: `jarvis ledger check FILE --repo CLONE`"),
      );
    case "export": {
      const file = required(out, "the file: `jarvis ledger export --out FILE`");
      const counted = await exportToFile(config, file);
      return {
        json: { file, ...counted },
        text: `Wrote ${counted.events} events and ${counted.checkpoints} checkpoints to ${file}.`,
      };
    }
    case "redact":
      return await redact(
        config,
        required(subject, "the digest: `jarvis ledger redact sha256:HEX --reason TEXT`"),
        { reason: required(reason, "the reason: `--reason TEXT`") },
      );
    case "rotate-key":
      return await rotateKey(config, {
        lost,
        reason: required(reason, "the reason: `jarvis ledger rotate-key --reason TEXT`"),
      });
  }
}

function required(value: string | undefined, what: string): string {
  if (value !== undefined) return value;
  throw new CommandError(exitCodes.unreadable, "invalid-argument", `Name ${what}.`);
}
