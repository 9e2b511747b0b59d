import { once } from "node:events";
import type { Readable } from "node:stream";

import { ZERO_SHA, type Sha } from "../git/names.ts";
import { Problem } from "../problem.ts";

/** One line of a push: a ref and where it is to move. */
export interface PushCommand {
  ref: string;
  old: Sha | undefined;
  new: Sha | undefined;
}

export interface PushStart {
  /** The bytes read so far, which the receiving git has to get first. */
  prefix: Buffer;
  commands: PushCommand[];
}

// A thousand long ref names. The pack comes after this and is never held in memory.
const LARGEST_COMMANDS_BYTES = 256 * 1024;

/** Reads from a push only what it wants to move; the pack stays in the stream. */
export async function readPushCommands(stream: Readable): Promise<PushStart> {
  let prefix: Buffer = Buffer.alloc(0);
  for (;;) {
    const commands = parsePushCommands(prefix);
    if (commands !== undefined) return { prefix, commands };
    if (prefix.length > LARGEST_COMMANDS_BYTES) {
      throw new Problem(413, "A push may move a thousand refs at most.");
    }
    const chunk = stream.read() as Buffer | null;
    if (chunk !== null) {
      prefix = Buffer.concat([prefix, chunk]);
    } else if (stream.readableEnded || stream.destroyed) {
      throw new Problem(400, "The push ended before it said what it moves.");
    } else {
      await Promise.race([once(stream, "readable"), once(stream, "end"), once(stream, "close")]);
    }
  }
}

/**
 * The commands at the beginning of a push, or undefined while they are not complete. A push without
 * commands is how git asks whether it may push at all.
 *
 * Every line that is not understood refuses the push: what is not seen here is not guarded.
 */
export function parsePushCommands(bytes: Buffer): PushCommand[] | undefined {
  const commands: PushCommand[] = [];
  let offset = 0;
  while (offset + 4 <= bytes.length) {
    const header = bytes.toString("latin1", offset, offset + 4);
    if (header === "0000") return commands;
    const length = /^[0-9a-f]{4}$/iu.test(header) ? Number.parseInt(header, 16) : 0;
    if (length < 5) throw notUnderstood();
    if (offset + length > bytes.length) return undefined;
    // Capabilities follow a NUL on the first line.
    const line = bytes.toString("utf8", offset + 4, offset + length).split("\0", 1)[0] ?? "";
    const match = /^([0-9a-f]{40}) ([0-9a-f]{40}) (\S+)\n?$/u.exec(line);
    if (match !== null) {
      const [, old = "", target = "", ref = ""] = match;
      commands.push({ ref, old: unlessZero(old), new: unlessZero(target) });
    } else if (!/^shallow [0-9a-f]{40}\n?$/u.test(line)) {
      throw notUnderstood();
    }
    offset += length;
  }
  return undefined;
}

function unlessZero(sha: Sha): Sha | undefined {
  return sha === ZERO_SHA ? undefined : sha;
}

function notUnderstood(): Problem {
  return new Problem(400, "The push is in a form this forge does not take.");
}
