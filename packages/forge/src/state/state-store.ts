import type { z } from "zod";

import { ForgeError } from "../forge-error.ts";
import type { Sha } from "../git/names.ts";
import type { ObjectStore } from "../git/objects.ts";
import type { RefStore, RefUpdate } from "../git/refs.ts";
import {
  CommentsDocument,
  MetaDocument,
  ProtectionsDocument,
  PullDocument,
  RulesetsDocument,
  StatusesDocument,
  type CommentDocument,
  type RulesetDocument,
  type StatusDocument,
} from "./documents.ts";

export const META_REF = "refs/forge/meta";
export const PROTECTION_REF = "refs/forge/protection";
const RULESETS_REF = "refs/forge/rulesets";
const PULLS = "refs/forge/pulls";

/** A document and the blob it was read from: what a later write must still find there. */
export interface Stored<T> {
  ref: string;
  blob: Sha | undefined;
  document: T;
}

/**
 * Reads documents, and prepares their changes as ref updates. Nothing is changed before the caller
 * hands those to {@link RefStore.update}, together with whatever else has to move with them.
 */
export class StateStore {
  readonly #objects: ObjectStore;
  readonly #refs: RefStore;

  constructor(objects: ObjectStore, refs: RefStore) {
    this.#objects = objects;
    this.#refs = refs;
  }

  /** Undefined in a repository that was never set up. */
  async meta(): Promise<Stored<MetaDocument> | undefined> {
    const blob = await this.#refs.get(META_REF);
    return blob === undefined
      ? undefined
      : { ref: META_REF, blob, document: await this.#parse(META_REF, blob, MetaDocument) };
  }

  /** A fresh number and the update that uses it up. */
  async takeId(): Promise<{ id: number; update: RefUpdate }> {
    const meta = await this.meta();
    if (meta === undefined) {
      throw new ForgeError("state-malformed", `the repository has no ${META_REF}`);
    }
    const { nextId } = meta.document;
    return {
      id: nextId,
      update: await this.change(meta, { ...meta.document, nextId: nextId + 1 }),
    };
  }

  async protections(): Promise<Stored<ProtectionsDocument>> {
    return this.#get(PROTECTION_REF, ProtectionsDocument, {});
  }

  async rulesets(): Promise<Stored<RulesetDocument[]>> {
    return this.#get(RULESETS_REF, RulesetsDocument, []);
  }

  /** By number, ascending. */
  async pulls(): Promise<Stored<PullDocument>[]> {
    const refs = await this.#refs.list(PULLS);
    const blobs = await this.#objects.readMany([...refs.values()]);
    const pulls = [...refs].map(([ref, blob], index) => ({
      ref,
      blob,
      document: parse(ref, blobs[index]?.data, PullDocument),
    }));
    return pulls.sort((a, b) => a.document.number - b.document.number);
  }

  async pull(number: number): Promise<Stored<PullDocument> | undefined> {
    const ref = pullRef(number);
    const blob = await this.#refs.get(ref);
    return blob === undefined
      ? undefined
      : { ref, blob, document: await this.#parse(ref, blob, PullDocument) };
  }

  /** A pull request that does not exist yet. */
  newPull(document: PullDocument): Promise<RefUpdate> {
    return this.change({ ref: pullRef(document.number), blob: undefined, document }, document);
  }

  async statuses(commit: Sha): Promise<Stored<StatusDocument[]>> {
    return this.#get(`refs/forge/statuses/${commit}`, StatusesDocument, []);
  }

  async comments(number: number): Promise<Stored<CommentDocument[]>> {
    return this.#get(`refs/forge/comments/${number}`, CommentsDocument, []);
  }

  async change<T>(stored: Stored<T>, document: T): Promise<RefUpdate> {
    const blob = await this.#objects.write("blob", `${JSON.stringify(document, null, 1)}\n`);
    return { ref: stored.ref, old: stored.blob, new: blob };
  }

  async #get<T>(ref: string, schema: z.ZodType<T>, absent: T): Promise<Stored<T>> {
    const blob = await this.#refs.get(ref);
    if (blob === undefined) return { ref, blob, document: absent };
    return { ref, blob, document: await this.#parse(ref, blob, schema) };
  }

  async #parse<T>(ref: string, blob: Sha, schema: z.ZodType<T>): Promise<T> {
    return parse(ref, (await this.#objects.read(blob))?.data, schema);
  }
}

function pullRef(number: number): string {
  return `${PULLS}/${number}`;
}

function parse<T>(ref: string, data: Buffer | undefined, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(data?.toString("utf8") ?? ""));
  } catch (error) {
    throw new ForgeError("state-malformed", `${ref} does not hold what the forge wrote there`, {
      cause: error,
    });
  }
}
