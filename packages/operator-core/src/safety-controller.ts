import type { JarvisDatabase, SqlClient } from "@jarvis/db";
import type { EffectClass } from "./actions/action-definition.ts";
import { ObserveOnlyError } from "./errors.ts";
import { killSwitch, type KillHook } from "./kill-switch.ts";
import { readSafetyState, requireReadable, setSafetyMode } from "./safety-state.ts";
import type { KillAnswer } from "./stopped.ts";
import type { ModeChangeOutcome, ModeRequest, SafetyMode } from "./safety-state.ts";

export type SafetyControllerOptions = {
  /** What the kill switch stops besides actions: sandboxes, the body. */
  onKill?: readonly KillHook[];
  clock?: () => Date;
};

/** What an executor asks: permission, and to be told when it may have changed. */
export interface Gatekeeper {
  checkMayRun(effect: EffectClass): Promise<void>;
  onChange(listener: () => void): () => void;
}

// Rounds in which somebody else may win before turning to observe is given up.
const observeRounds = 20;

/**
 * The gatekeeper: whether actions may run, and the switch that stops them.
 *
 * The row `system:safety` is the truth, for every process on every machine. `mode`, `isObserveOnly`
 * and `canExecute` are what was last seen of it, for display: only `checkCanExecute` is permission.
 */
export class SafetyController implements Gatekeeper {
  readonly #db: JarvisDatabase;
  readonly #options: SafetyControllerOptions;
  readonly #listeners = new Set<() => void>();
  #lastSeen: SafetyMode = "observe";
  // Looks are numbered when they begin: a slow one must not put back what a later one has replaced.
  #looks = 0;
  #newestLook = 0;

  constructor(db: JarvisDatabase, options: SafetyControllerOptions = {}) {
    this.#db = db;
    this.#options = options;
  }

  /*
   * For display. The linter knows these three by their type, whatever the variable is called, because
   * they are marked (`typescript/no-deprecated`); whoever shows them to people is excepted by name in
   * `.oxlintrc.json`.
   */

  /**
   * Last seen; observe before the first look.
   * @deprecated where something is executed: ask `checkCanExecute`, which reads the row.
   */
  get mode(): SafetyMode {
    return this.#lastSeen;
  }

  /** @deprecated where something is executed: ask `checkCanExecute`, which reads the row. */
  get isObserveOnly(): boolean {
    return this.#lastSeen !== "execute";
  }

  /** @deprecated where something is executed: ask `checkCanExecute`, which reads the row. */
  get canExecute(): boolean {
    return this.#lastSeen === "execute";
  }

  /**
   * Sets the mode; observe also cancels what is pending. Somebody else's change at the same time is
   * an answer for who asked for execute, and is overruled by who asked for observe.
   */
  async setMode(mode: SafetyMode, request: ModeRequest): Promise<ModeChangeOutcome> {
    let outcome = await this.#set(mode, request);
    for (let round = 1; round < observeRounds; round += 1) {
      if (mode === "execute" || outcome.outcome === "changed") break;
      outcome = await this.#set(mode, request);
    }
    await this.refresh();
    return outcome;
  }

  /**
   * Stops everything: when it returns no action runs and none can begin. Answers how many were
   * cancelled or stopped; `kill` answers what they were.
   * @throws OperatorError `kill-switch-incomplete`
   */
  async killSwitch(request: ModeRequest): Promise<number> {
    return (await this.kill(request)).cancelledCount;
  }

  /** The kill switch, and what it ended. @throws OperatorError `kill-switch-incomplete` */
  async kill(request: ModeRequest): Promise<KillAnswer> {
    this.#see("observe", this.#beginLook());
    const { onKill = [], ...options } = this.#options;
    // The executors of this process need not wait to be told by the database.
    const tellHere = async () => {
      this.#tell();
      return 0;
    };
    const answer = await killSwitch(this.#db, request, {
      ...options,
      onKill: [tellHere, ...onKill],
    });
    // Looks that began before the row said observe may have answered meanwhile.
    await this.refresh();
    return answer;
  }

  /** Reads the row. @throws ObserveOnlyError unless actions may run. */
  async checkCanExecute(): Promise<void> {
    if ((await this.refresh()) !== "execute") throw new ObserveOnlyError();
  }

  /**
   * The same for an action of one effect class: reading is what observe is for, and is refused only
   * after a kill switch, until a mode is set again.
   * @throws ObserveOnlyError
   */
  async checkMayRun(effect: EffectClass): Promise<void> {
    if (effect === "read") await requireReadable(this.#db);
    else await this.checkCanExecute();
  }

  /** Looks at the row and remembers what it says. Must not throw. */
  async refresh(): Promise<SafetyMode> {
    const look = this.#beginLook();
    const { mode } = await readSafetyState(this.#db);
    this.#see(mode, look);
    return mode;
  }

  #beginLook(): number {
    this.#looks += 1;
    return this.#looks;
  }

  #see(mode: SafetyMode, look: number): void {
    if (look < this.#newestLook) return;
    this.#newestLook = look;
    this.#lastSeen = mode;
  }

  /**
   * Hears of changes that other processes make, within the time a message takes. A message that is
   * lost changes nothing but the display: every action looks for itself.
   */
  async watch(sql: SqlClient): Promise<{ stop: () => Promise<void> }> {
    const look = () => {
      this.#tell();
      void this.refresh();
    };
    // Called again after a lost connection: what was said meanwhile was missed.
    const listening = await sql.listen("jarvis_safety", look, look);
    return { stop: async () => await listening.unlisten() };
  }

  /** Calls when something may have changed. Answers how to stop it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  async #set(mode: SafetyMode, request: ModeRequest): Promise<ModeChangeOutcome> {
    const { clock } = this.#options;
    const options = clock === undefined ? {} : { clock };
    return await setSafetyMode(this.#db, { ...request, mode }, options);
  }
}
