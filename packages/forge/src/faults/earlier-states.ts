import type { Sha } from "../git/names.ts";
import { RefStore, type RefMap, type RefUpdate } from "../git/refs.ts";
import type { Repository } from "../repository.ts";
import { StateStore } from "../state/state-store.ts";

const KEPT = 50;

/** The refs as they were before each of the last changes. Refs are the whole state of a forge. */
export class EarlierStates {
  readonly #states: RefMap[] = [];

  /** The caller holds the mutex and is about to change something. */
  async remember(repository: Repository): Promise<void> {
    this.#states.push(await repository.refs.list());
    if (this.#states.length > KEPT) this.#states.shift();
  }

  /** The repository as it was so many changes ago, or as long ago as is known; for reading only. */
  view(repository: Repository, changesBack: number): Repository {
    const state = this.#states.at(-changesBack) ?? this.#states[0];
    if (state === undefined) return repository;
    const refs = new FrozenRefs(repository, state);
    return { ...repository, refs, state: new StateStore(repository.objects, refs) };
  }
}

class FrozenRefs extends RefStore {
  readonly #state: RefMap;

  constructor(repository: Repository, state: RefMap) {
    super(repository.git);
    this.#state = state;
  }

  override async get(ref: string): Promise<Sha | undefined> {
    return this.#state.get(ref);
  }

  override async list(...names: string[]): Promise<RefMap> {
    if (names.length === 0) return this.#state;
    const below = (ref: string): boolean =>
      names.some((name) => ref === name || ref.startsWith(`${name.replace(/\/$/u, "")}/`));
    return new Map([...this.#state].filter(([ref]) => below(ref)));
  }

  /** What a reader would write down about pull requests is written by the next reader of today. */
  override async update(_updates: readonly RefUpdate[]): Promise<void> {}
}
