import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { promisify } from "node:util";
import {
  checkBundle,
  emptyRecordedBlob,
  exportLedger,
  LedgerError,
  parseEventName,
  proveEvent,
  readNewestPushed,
  ownKeyId,
  rotateSigningKey,
  seenHere,
  verifyLedger,
  type Anchor,
  type VerificationReport,
} from "@jarvis/ledger";
import { fitReason, lastSeenBase, readLedgerAnchors } from "@jarvis/tools/ledger";
import type { CliConfig } from "../config.ts";
import { person, withLocalState, type LocalState } from "../local-state.ts";
import { writingTo } from "../named-file.ts";
import { CommandError, exitCodes, isReaderGone, type Answer } from "../outcome.ts";
import { plain } from "../plain-text.ts";

const run = promisify(execFile);

/** Computes the whole ledger again, with or without a kernel. Exit code 1: it is not what was sealed. */
export async function verify(config: CliConfig): Promise<Answer> {
  const report = await withLocalState(config, async ({ db }) =>
    verifyLedger(db, {
      anchors: await knownAnchors(config, db),
      ownKeyId: await ownKeyId(db, config.stateDir),
      second: db,
    }),
  );
  return {
    json: report,
    text: describe(report),
    exitCode: report.ok ? exitCodes.done : exitCodes.refused,
  };
}

/** Writes a bundle that proves one event to whoever has a clone. */
export async function prove(
  config: CliConfig,
  name: string,
  { out }: { readonly out?: string },
): Promise<Answer> {
  const event = parseEventName(name);
  if (event === null) {
    throw new CommandError(
      exitCodes.unreadable,
      "invalid-argument",
      `"${name}" names no event: expected events:ID, actions:ID or records:ID.`,
    );
  }
  const bundle = await refusing(
    async () =>
      await withLocalState(config, async ({ db }) =>
        proveEvent(db, event, await provableAnchors(config, db)),
      ),
  );
  const file = out ?? `jarvis-${name.replace(":", "-")}.bundle.json`;
  await writingTo(file, async () => {
    await writeFile(file, `${JSON.stringify(bundle, null, 2)}\n`, { flag: "w", mode: 0o644 });
  });
  const covering = bundle.anchors.filter(({ size }) => size > bundle.event.index).length;
  return {
    json: { file, ledger: event.ledger, id: event.id, leafIndex: bundle.event.index, covering },
    text: [
      `Wrote ${file}: event ${event.id} of ${event.ledger}, leaf ${bundle.event.index}.`,
      covering > 0
        ? `Verify it anywhere: jarvis ledger check ${file} --repo CLONE, where refs/jarvis/checkpoints was fetched.`
        : "The repository carries no checkpoint over it yet, and `jarvis ledger check` refuses the bundle: make it again when one was pushed.",
    ].join("\n"),
  };
}

/** Judges a bundle against a clone: no database, no kernel, no network. */
export async function check(config: CliConfig, file: string): Promise<Answer> {
  let bundle: unknown;
  try {
    bundle = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new CommandError(
      exitCodes.unreadable,
      "invalid-argument",
      `${file} cannot be read as a bundle: give the file that \`jarvis ledger prove\` wrote.`,
      { cause },
    );
  }
  const anchors = await anchorsOfClone(config.repo);
  const verdict = await refusing(async () => await Promise.resolve(checkBundle(bundle, anchors)));
  return {
    json: { ok: true, ...verdict },
    text: [
      `Event ${verdict.id} of ${verdict.ledger} is leaf ${verdict.leafIndex} of the ledger that ${verdict.anchoredBy} names.`,
      `Signed by key ${verdict.keyId}${verdict.keyIntroduced ? "" : ", WHICH NO EARLIER KEY INTRODUCED"}; ${verdict.statements.length} attestations hold.`,
      ...unanchoredLine(verdict.unanchoredStatements),
      plain(JSON.stringify(verdict.row)),
    ].join("\n"),
  };
}

function unanchoredLine(count: number): string[] {
  if (count === 0) return [];
  const which = `${count} more ${count === 1 ? "is" : "are"}`;
  return [
    `${which} newer than every checkpoint that clone and bundle share: fetch refs/jarvis/checkpoints, or have the bundle made again.`,
  ];
}

/** The sealed ledger as NDJSON on standard output, for as long as somebody reads it. */
export async function exportToOutput(config: CliConfig): Promise<void> {
  try {
    await exportTo(config, process.stdout);
  } catch (error) {
    if (!isReaderGone(error)) throw error;
  }
}

/** The same to a file. */
export async function exportToFile(
  config: CliConfig,
  out: string,
): Promise<{ events: number; checkpoints: number }> {
  return await writingTo(out, async () => {
    const stream = (await open(out, "w", 0o600)).createWriteStream();
    try {
      const counted = await exportTo(config, stream);
      stream.end();
      await finished(stream);
      return counted;
    } finally {
      stream.destroy();
    }
  });
}

async function exportTo(config: CliConfig, stream: Writable) {
  let problem: Error | null = null;
  stream.on("error", (error: Error) => (problem ??= error));
  return await withLocalState(
    config,
    async ({ db }) =>
      await exportLedger(db, async (line) => {
        if (problem !== null) throw problem;
        if (!stream.write(`${JSON.stringify(line)}\n`)) await once(stream, "drain");
      }),
  );
}

/** Replaces the key that signs the ledger. The kernel has to be stopped: it signs with the old one. */
export async function rotateKey(
  config: CliConfig,
  { reason, lost }: { readonly reason: string; readonly lost: boolean },
): Promise<Answer> {
  const signer = await refusing(
    async () =>
      await withLocalState(config, async ({ db, silentKernel }) => {
        if (silentKernel !== null) throw kernelRuns(silentKernel);
        return await rotateSigningKey(db, config.stateDir, {
          actor: person(),
          reason: fitReason(reason),
          lost,
        });
      }),
  );
  return {
    json: { keyId: signer.keyId, ledger: signer.name },
    text: `The ledger ${signer.name} is signed with key ${signer.keyId} from the next start on.`,
  };
}

/** Takes the content of a blob: a redaction, recorded. Events keep its digest, and their proofs. */
export async function redact(
  config: CliConfig,
  digest: string,
  { reason }: { readonly reason: string },
): Promise<Answer> {
  const recordId = await withLocalState(
    config,
    async ({ db }) =>
      await emptyRecordedBlob(db, digest, { actor: person(), reason: fitReason(reason) }),
  );
  if (recordId === null) {
    throw new CommandError(
      exitCodes.refused,
      "blob-unknown",
      `There is no content of ${plain(digest)}: it never was here, or is emptied already.`,
    );
  }
  return {
    json: { digest, recordId },
    text: `The content of ${digest} is gone; record ${recordId} of the ledger says who and why.`,
  };
}

function kernelRuns(pid: number): CommandError {
  return new CommandError(
    exitCodes.refused,
    "kernel-running",
    `The kernel (process ${pid}) signs with the key in use: stop it first.`,
  );
}

/** What the repository carries, as far as it was seen. */
async function provableAnchors(config: CliConfig, db: LocalState["db"]): Promise<Anchor[]> {
  const pushed = readNewestPushed(config.stateDir);
  return [...(await carriedAnchors(config, db)), ...(pushed === null ? [] : [pushed])];
}

/** What is known outside of the database, wherever it lies. */
async function knownAnchors(config: CliConfig, db: LocalState["db"]): Promise<Anchor[]> {
  return [...(await carriedAnchors(config, db)), ...seenHere(config.stateDir)];
}

/** Of the base as Jarvis last saw it, and of the clone. */
async function carriedAnchors(config: CliConfig, db: LocalState["db"]): Promise<Anchor[]> {
  const base = await lastSeenBase(db);
  const mirror = join(config.stateDir, "mirror.git");
  const carried =
    base === null || !existsSync(mirror) ? [] : await readLedgerAnchors({ gitDir: mirror }, base);
  const cloned = await anchorsOfClone(config.repo).catch((error: unknown) => {
    // No repository has no anchors. One that cannot be read is no answer.
    if (error instanceof CommandError && error.code === "invalid-argument") return [];
    throw error;
  });
  const known = new Set(carried.map(({ where }) => where));
  return [...carried, ...cloned.filter(({ where }) => !known.has(where))];
}

async function anchorsOfClone(repo: string): Promise<Anchor[]> {
  let gitDir: string;
  try {
    const { stdout } = await run("git", ["-C", repo, "rev-parse", "--absolute-git-dir"]);
    gitDir = stdout.trim();
  } catch (cause) {
    throw new CommandError(
      exitCodes.unreadable,
      "invalid-argument",
      `${repo} is no git repository: name a clone with --repo.`,
      { cause },
    );
  }
  return await readLedgerAnchors({ gitDir }, "HEAD");
}

/** What proves nothing is refused; only a world that is broken is unavailable. */
async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    throw new CommandError(exitCodes.refused, error.code, error.message, { cause: error });
  }
}

function describe(report: VerificationReport): string {
  const { divergences, remarks } = report;
  return [
    report.ok
      ? `The ledger is what was sealed: ${report.size} events, ${report.checkpoints} checkpoints, ${report.anchors} anchors outside of the database.`
      : `THE LEDGER IS NOT WHAT WAS SEALED: ${divergences.length} divergences among ${report.size} events.`,
    ...divergences.map(({ attack, leafIndex, ledger, eventId, detail, meaning }) =>
      [
        `${attack}${leafIndex === null ? "" : ` at leaf ${leafIndex}`}${eventId === null ? "" : `, ${ledger} ${eventId}`}: ${plain(detail)}`,
        `        ${meaning}`,
      ].join("\n"),
    ),
    ...remarks.map(({ code, detail }) => `${code}: ${plain(detail)}`),
    `Computed again in ${report.durationMs} ms.`,
  ].join("\n");
}
