import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "@jarvis/db";
import type { DatabaseHandle, JarvisDatabase } from "@jarvis/db";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { ActionContext } from "./actions/action-definition.ts";
import { ActionExecutor } from "./actions/action-executor.ts";
import { ActionRegistry } from "./actions/action-registry.ts";
import { ActionStatus, hasEnded, mayFollow } from "./actions/action-status.ts";
import { ActionAuditor } from "./actions/auditor.ts";
import { SessionRiskTracker } from "./actions/session-risk.ts";
import { readProposalRow } from "./actions/proposal-store.ts";
import { ObserveOnlyError } from "./errors.ts";
import { SafetyController } from "./safety-controller.ts";
import {
  ada,
  agent,
  allowAll,
  anAction,
  aRequest,
  actionWorld,
  operator,
} from "./testing/action-world.ts";
import type { ActionWorld } from "./testing/action-world.ts";

/*
 * Two processes, each with connections of its own, do random things to the same proposals. Every
 * statement, every transaction and every step of a running action is a task of the scheduler of
 * fast-check, which does them one after another in a random order that its seed repeats.
 */

const schedules = 1_000;
const lanes = 2;

type Side = { db: JarvisDatabase; safety: SafetyController; executor: ActionExecutor };
type Gate = { pass: <T>(task: () => Promise<T>) => Promise<T> };
const openGate: Gate["pass"] = async (task) => await task();

type Lane = {
  world: ActionWorld;
  second: DatabaseHandle;
  gate: Gate;
  sides: readonly [Side, Side];
  history: History;
  watches: { stop: () => Promise<void> }[];
};

/** What was seen from outside, in the order in which it was seen. */
class History {
  starts = new Map<number, number>();
  /** How often a kill switch was pressed while something ran: a world without it shows nothing. */
  static met = 0;
  running = new Set<number>();
  violations: string[] = [];
  /** Whether a kill returned and nobody has asked for another mode since. */
  #halted = false;
  #settingMode = 0;

  async run({ proposalId, signal }: ActionContext, gate: Gate): Promise<void> {
    if (this.#halted) this.violations.push(`${proposalId} started after the kill switch returned`);
    this.starts.set(proposalId, (this.starts.get(proposalId) ?? 0) + 1);
    this.running.add(proposalId);
    const stopped = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(new Error("stopped")), { once: true });
    });
    stopped.catch(() => {});
    try {
      // Long enough for a kill switch to begin and end meanwhile.
      for (let step = 0; step < 8; step += 1)
        await Promise.race([gate.pass(async () => {}), stopped]);
    } finally {
      this.running.delete(proposalId);
    }
  }

  async settingMode(change: () => Promise<unknown>): Promise<void> {
    this.#halted = false;
    this.#settingMode += 1;
    await change().finally(() => (this.#settingMode -= 1));
  }

  killed(): void {
    // Somebody who is setting the mode at this moment may do so after the kill switch did.
    if (this.#settingMode > 0) return;
    this.#halted = true;
    for (const id of this.running) this.violations.push(`${id} ran when the kill switch returned`);
  }
}

type Operation = {
  do: "drive" | "execute" | "validate" | "approve" | "propose" | "kill" | "observe" | "enable";
  target: number;
  /** Steps that pass before it, so that it meets the others at every point of what they do. */
  after: number;
};

const operationOf = (...words: Operation["do"][]) =>
  fc.record({ do: fc.constantFrom(...words), target: fc.nat(2), after: fc.nat(12) });
const act = operationOf("drive", "execute", "execute", "validate", "approve", "propose");
const govern = operationOf("kill", "kill", "kill", "observe", "enable");
const program = (operation: fc.Arbitrary<Operation>) =>
  fc.array(operation, { minLength: 1, maxLength: 2 });
const Programs = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(program(act), program(govern)) },
  { weight: 1, arbitrary: fc.tuple(program(act), program(act)) },
  { weight: 1, arbitrary: fc.tuple(program(fc.oneof(act, govern)), program(govern)) },
);

let open: Lane[] = [];
let stateDirectory: string;

beforeAll(async () => {
  stateDirectory = mkdtempSync(join(tmpdir(), "jarvis-interleavings-"));
  open = await Promise.all(Array.from({ length: lanes }, openLane));
});

afterAll(async () => {
  for (const lane of open) {
    await Promise.all(lane.watches.map((watch) => watch.stop()));
    for (const { executor } of lane.sides) executor.close();
    await lane.second.close();
    await lane.world.close();
  }
  rmSync(stateDirectory, { recursive: true, force: true });
});

it(`starts nothing after a kill switch returned, ends what was started once, skips no state (${schedules} schedules)`, async () => {
  const property = (lane: Lane) =>
    fc.asyncProperty(fc.scheduler(), Programs, fc.boolean(), async (scheduler, programs, ready) => {
      const { violations, stories } = await playOn(lane, scheduler, programs, ready);
      expect([...violations, ...stories.flatMap(impossible)]).toEqual([]);
    });
  // A failure prints the seed and the path; fc.assert with both repeats the schedule.
  await Promise.all(
    open.map(async (lane) => {
      await fc.assert(property(lane), { numRuns: schedules / lanes, endOnFailure: true });
    }),
  );
  expect(History.met).toBeGreaterThan(schedules / 100);
}, 180_000);

async function playOn(
  lane: Lane,
  scheduler: fc.Scheduler,
  programs: readonly [Operation[], Operation[]],
  ready: boolean,
): Promise<{ violations: string[]; stories: Story[] }> {
  const history = new History();
  lane.history = history;
  lane.gate.pass = openGate;
  const [{ safety, executor }] = lane.sides;
  await safety.setMode("execute", operator);
  const sessionId = randomUUID();
  const tokens = new Map<number, string>();
  const proposals: number[] = [];
  for (const actionName of ["free", "guarded"]) {
    const { id } = await executor.propose(aRequest({ actionName, sessionId, requester: agent }));
    proposals.push(id);
    if (!ready) continue;
    await executor.validate(id);
    if (actionName === "guarded") await approve(lane.sides[0], id, tokens);
  }
  lane.gate.pass = async (task) => {
    let passed = task;
    // Handed around the scheduler, which would write every answer of the database into its report.
    await scheduler.scheduleFunction(async () => {
      const answer = await task();
      passed = async () => answer;
    })();
    return await passed();
  };
  const playing = Promise.all(
    lane.sides.map(async (side, index) => {
      for (const operation of programs[index] ?? []) {
        for (let step = 0; step < operation.after; step += 1) await lane.gate.pass(async () => {});
        const id = proposals[operation.target % proposals.length] ?? 0;
        await play(side, operation.do, { id, history, tokens, proposals, sessionId });
      }
    }),
  );
  await scheduler.waitFor(playing);
  lane.gate.pass = openGate;

  const stories = proposals.map(async (id) => await storyOf(lane, id));
  return { violations: history.violations, stories: await Promise.all(stories) };
}

type Act = {
  id: number;
  history: History;
  tokens: Map<number, string>;
  proposals: number[];
  sessionId: string;
};

async function play(side: Side, what: Operation["do"], on: Act): Promise<void> {
  const { id, history, tokens, proposals, sessionId } = on;
  const { executor, safety } = side;
  const execute = async () => {
    try {
      await executor.execute(id, { approvalToken: tokens.get(id) });
    } catch (error) {
      if (!(error instanceof ObserveOnlyError)) throw error;
    }
  };
  switch (what) {
    case "drive":
      await executor.validate(id);
      await approve(side, id, tokens);
      return await execute();
    case "execute":
      return await execute();
    case "validate":
      await executor.validate(id);
      return;
    case "approve":
      return await approve(side, id, tokens);
    case "propose":
      proposals.push((await executor.propose(aRequest({ actionName: "free", sessionId }))).id);
      return;
    case "kill":
      if (history.running.size > 0) History.met += 1;
      await safety.killSwitch(operator);
      return history.killed();
    case "observe":
      return await history.settingMode(async () => await safety.setMode("observe", operator));
    case "enable":
      return await history.settingMode(async () => await safety.setMode("execute", operator));
  }
}

async function approve(side: Side, id: number, tokens: Map<number, string>): Promise<void> {
  const { parametersDigest: digest } = await readProposalRow(side.db, id);
  const answer = await side.executor.approve(id, { by: ada, digest });
  if (answer.outcome === "approved") tokens.set(id, answer.token);
}

type Story = { states: ActionStatus[]; state: ActionStatus; starts: number };

async function storyOf(lane: Lane, id: number): Promise<Story> {
  const events = await new ActionAuditor(lane.world.db).getEvents({ proposalId: id });
  const states = events.map((event) => ActionStatus.parse(event.eventType));
  const { state } = await readProposalRow(lane.world.db, id);
  return { states, state, starts: lane.history.starts.get(id) ?? 0 };
}

/** What the ledger tells has to be something that can happen, and end where the row is. */
function impossible({ states, state, starts }: Story): string[] {
  const count = (wanted: (word: ActionStatus) => boolean) => states.filter(wanted).length;
  const skips = states.some((next, index) => {
    const before = states[index - 1];
    return before === undefined ? next !== "proposed" : !mayFollow(before, next);
  });
  const problems = [
    skips && "a state was skipped",
    states.at(-1) !== state && `the row says ${state}`,
    starts > 1 && `it was started ${starts} times`,
    starts === 1 && count((word) => word === "executing") !== 1 && "its start is not on record",
    starts === 1 && count(hasEnded) !== 1 && "it does not end exactly once",
  ];
  return problems
    .filter((problem) => problem !== false)
    .map((problem) => `${states.join(" -> ")}: ${problem}`);
}

async function openLane(): Promise<Lane> {
  const gate: Gate = { pass: openGate };
  const world = await actionWorld([]);
  const second = await openDatabase({ url: world.database.adminUrl, stateDirectory });
  const lane = { world, second, gate, history: new History(), watches: [] } as unknown as Lane;
  const run = async (_: unknown, context: ActionContext) => await lane.history.run(context, gate);
  const registry = new ActionRegistry()
    .register(anAction({ name: "free", risk: "low", run }))
    .register(anAction({ name: "guarded", needsApproval: true, run }));
  const makeSide = (handle: DatabaseHandle): Side => {
    const db = gated(handle.db, gate);
    const safety = new SafetyController(db);
    const sessions = new SessionRiskTracker();
    const executor = new ActionExecutor({ db, registry, policy: allowAll, safety, sessions });
    return { db, safety, executor };
  };
  lane.sides = [makeSide(world.database), makeSide(second)];
  lane.watches = await Promise.all([
    lane.sides[0].safety.watch(world.database.sql),
    lane.sides[1].safety.watch(second.sql),
  ]);
  return lane;
}

/** The same database in which every statement and every transaction passes a gate. */
function gated(db: JarvisDatabase, gate: Gate): JarvisDatabase {
  return new Proxy(db, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== "function") return value;
      if (property === "transaction") {
        return async (work: (tx: JarvisDatabase) => Promise<unknown>) =>
          await gate.pass(async () => await target.transaction(work));
      }
      return (...given: unknown[]) => gatedQuery(value.apply(target, given) as object, gate);
    },
  });
}

// A query begins when it is awaited, so that is what passes the gate.
function gatedQuery(query: object, gate: Gate): object {
  return new Proxy(query, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (property === "then") {
        return (...handlers: Parameters<Promise<unknown>["then"]>) =>
          gate.pass(async () => await (target as PromiseLike<unknown>)).then(...handlers);
      }
      if (typeof value !== "function" || property === "getSQL") return value;
      return (...given: unknown[]) => {
        const next: unknown = value.apply(target, given);
        return typeof next === "object" && next !== null ? gatedQuery(next, gate) : next;
      };
    },
  });
}
