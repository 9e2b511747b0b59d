import { AUTHOR, type Goal, type Json } from "./protocol.ts";

/** What the loop does to the world: it asks for steps and reports. */
export interface GoalPort {
  /** Rejects with an Error whose sentence says why: a refusal, or the tool's own. */
  ask(tool: string, input: Json, goalId: string): Promise<Json>;
  report(goalId: string, text: string, done: boolean): void;
}

/**
 * Works on goals, one step at a time and the oldest goal first. A step that is refused or fails ends
 * its goal with a report; whatever becomes of one goal, the next is begun.
 */
export class GoalLoop {
  readonly #port: GoalPort;
  readonly #goals: Goal[] = [];
  #isWorking = false;
  cycles = 0;

  constructor(port: GoalPort) {
    this.#port = port;
  }

  add(goal: Goal): void {
    // Told twice, as after a restart of the kernel's side: worked on once.
    if (this.#goals.some(({ id }) => id === goal.id)) return;
    this.#goals.push(goal);
    if (!this.#isWorking) void this.#work();
  }

  /** The step that is asked for is the kernel's to stop; no further one is begun. */
  cancel(id: string): void {
    const index = this.#goals.findIndex((goal) => goal.id === id);
    if (index !== -1) this.#goals.splice(index, 1);
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    for (let goal = this.#goals[0]; goal !== undefined; goal = this.#goals[0]) {
      await this.#pursue(goal);
      this.cancel(goal.id);
    }
    this.#isWorking = false;
  }

  /** A goal without a plan is one for a change: the kernel has the author write it. */
  async #author(goal: Goal): Promise<void> {
    this.cycles += 1;
    try {
      const outcome = await this.#port.ask(AUTHOR, {}, goal.id);
      this.#port.report(goal.id, JSON.stringify(outcome).slice(0, 8000), false);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#port.report(goal.id, reason.slice(0, 8000), false);
    }
  }

  async #pursue(goal: Goal): Promise<void> {
    const steps = goal.steps ?? [];
    if (steps.length === 0) {
      await this.#author(goal);
      return;
    }
    for (const [index, { tool, input }] of steps.entries()) {
      if (!this.#goals.includes(goal)) return;
      this.cycles += 1;
      const step = `Step ${index + 1} of ${steps.length}, ${tool}`;
      try {
        const output = await this.#port.ask(tool, input, goal.id);
        const isLast = index === steps.length - 1;
        this.#port.report(goal.id, `${step}: ${JSON.stringify(output).slice(0, 8000)}`, isLast);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#port.report(goal.id, `${step}: ${reason.slice(0, 8000)}`, false);
        return;
      }
    }
  }
}
