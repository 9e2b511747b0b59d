import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { CliConfig } from "./config.ts";
import { KERNEL, readStateHolder } from "./state-holder.ts";

const facts = z.object({
  pid: z.number().int(),
  url: z.url(),
  /** Since when it makes room for the next kernel, which will write its own. */
  moving: z.iso.datetime().optional(),
  /** Whether it proves where it answers too; a kernel of a release before does not. */
  provesPlace: z.boolean().default(false),
});
type KernelFacts = z.infer<typeof facts>;
const alive = z.object({ proof: z.string(), placeProof: z.string().optional() });

const LOOK_MS = 2000;
/** A kernel that makes room for the next is looked for so long. */
const MOVE_MS = 20_000;
/** And so long one that has taken the state directory and does not say yet where it answers. */
const START_MS = 20_000;

/** Where a kernel answers that knows the token. */
export interface KernelPlace {
  readonly url: string;
  readonly token: string;
}

/** Why a kernel that runs cannot be asked although nothing is wrong with it: it must not be ended for that. */
export interface SearchProblem {
  readonly code: "kernel-facts-damaged" | "token-missing" | "kernel-not-proved";
  readonly what: string;
  readonly mend: string;
}

/** `problem` is null where no kernel runs, or one runs and is silent. */
export type Search =
  | { readonly place: KernelPlace }
  | { readonly place: null; readonly problem: SearchProblem | null };

const mend = "stop `jarvis up` and start it again, which writes it anew";

/** Looks for the kernel of the state directory. One that moves or starts is waited for. */
export async function searchKernel({ stateDir }: CliConfig): Promise<Search> {
  for (;;) {
    const known = readFacts(stateDir);
    const found = known === "damaged" ? damagedFacts(stateDir) : await lookAt(stateDir, known);
    if ("url" in found) return { place: found };
    const at = known === "damaged" ? null : known;
    if (isMoving(at) || isStarting(stateDir, at)) {
      await sleep(100);
      continue;
    }
    // Nobody is wronged by what a kernel left behind that is no more.
    const holder = readStateHolder(stateDir);
    const runs = holder?.what === KERNEL && isAlive(holder.pid);
    return { place: null, problem: runs ? found.problem : null };
  }
}

type Found = KernelPlace | { readonly problem: SearchProblem | null };

async function lookAt(stateDir: string, known: KernelFacts | null): Promise<Found> {
  if (known === null) return { problem: null };
  const path = join(stateDir, "token");
  let token: string;
  try {
    token = readFileSync(path, "utf8").trim();
  } catch {
    const what = `the token ${path} cannot be read`;
    return { problem: { code: "token-missing", what, mend } };
  }
  try {
    if (await provesItself(known, token)) return { url: known.url, token };
  } catch {
    // Nobody listens there, or nobody who speaks as a kernel does.
    return { problem: null };
  }
  const what = `who answers at ${known.url} does not know the token in ${path}: the file was changed since the kernel started, or another program listens there`;
  return { problem: { code: "kernel-not-proved", what, mend } };
}

function readFacts(stateDir: string): KernelFacts | "damaged" | null {
  let text: string;
  try {
    text = readFileSync(join(stateDir, "kernel.json"), "utf8");
  } catch {
    return null;
  }
  try {
    return facts.parse(JSON.parse(text));
  } catch {
    return "damaged";
  }
}

function damagedFacts(stateDir: string): { problem: SearchProblem } {
  const what = `${join(stateDir, "kernel.json")}, which says where the kernel answers, is damaged`;
  return { problem: { code: "kernel-facts-damaged", what, mend } };
}

function isMoving(known: KernelFacts | null): boolean {
  return known?.moving !== undefined && isWithin(MOVE_MS, known.moving);
}

/** Whether a kernel holds the state directory that has not written down yet where it answers. */
function isStarting(stateDir: string, known: KernelFacts | null): boolean {
  const holder = readStateHolder(stateDir);
  if (holder?.what !== KERNEL || holder.pid === known?.pid) return false;
  return isWithin(START_MS, holder.since) && isAlive(holder.pid);
}

function isWithin(limitMs: number, since: string): boolean {
  return Date.now() - Date.parse(since) <= limitMs;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/**
 * Whether our kernel is who listens there. What a killed kernel wrote down may be the port of another
 * program by now, which must neither be believed nor get the token.
 */
async function provesItself({ url, provesPlace }: KernelFacts, token: string): Promise<boolean> {
  const challenge = randomBytes(16).toString("base64url");
  const response = await fetch(`${url}/healthz?challenge=${challenge}`, {
    signal: AbortSignal.timeout(LOOK_MS),
    redirect: "error",
  });
  if (!response.ok) return false;
  const { proof, placeProof } = alive.parse(await response.json());
  // Asked for only where the kernel itself wrote that it gives one: who relays could leave it out.
  const given = Buffer.from((provesPlace ? placeProof : proof) ?? "");
  const said = provesPlace
    ? JSON.stringify(["jarvis-kernel", new URL(url).host, challenge])
    : `jarvis-kernel:${challenge}`;
  const wanted = Buffer.from(createHmac("sha256", token).update(said).digest("base64url"));
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
