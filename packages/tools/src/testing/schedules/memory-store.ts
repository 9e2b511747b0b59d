import type { PromotionControlReading } from "../../self-extension/promotion-control.ts";
import type { Intent, KnownBy } from "../../self-extension/promotion-intents.ts";
import { thisHolder } from "../../self-extension/promotion-holder.ts";
import type { PromotionStore } from "../../self-extension/promotion-store.ts";

export interface MemoryStore extends PromotionStore {
  /** Lets time pass, for what goes by it. */
  pass(ms: number): void;
}

type Row = { -readonly [Key in keyof Intent]: Intent[Key] };

// Other modules keep the ids of a process in mind: no two schedules share one.
let lastId = 0;

/** The store in memory: each function is one statement, which is done in its turn and then whole. */
export function memoryStore(
  turn: () => Promise<void> = async () => await Promise.resolve(),
): MemoryStore {
  const rows: Row[] = [];
  let now = 1_700_000_000_000;
  let control: PromotionControlReading = {
    paused: false,
    reason: "set-up",
    updatedBy: "system",
    problem: null,
    updatedAt: new Date(now).toISOString(),
  };
  const ids: readonly KnownBy[] = ["fenced", "holder-ended"];
  const copy = (row: Row): Intent => ({ ...row });
  const clock = (): Date => new Date((now += 1));
  const isOpen = (row: Row): boolean => row.outcome === null;
  const find = (id: number): Row => {
    const row = rows.find((each) => each.id === id);
    if (row === undefined) throw new Error(`there is no intent ${id}`);
    return row;
  };
  const selected = (match: (row: Row) => boolean): Intent[] => rows.filter(match).map(copy);
  const isOurs = (row: Row): boolean => row.holder.instance === thisHolder().instance;
  const resolve = (
    row: Row,
    resolution: { outcome: "landed" | "did-not-happen"; knownBy: KnownBy; mergeSha?: string },
  ): void => {
    row.outcome = resolution.outcome;
    row.knownBy = resolution.knownBy;
    row.mergeSha = resolution.mergeSha ?? null;
    row.resolvedAt = clock();
  };
  const inTurn =
    <A extends readonly unknown[], R>(work: (...given: A) => R) =>
    async (...given: A): Promise<R> => {
      await turn();
      return work(...given);
    };

  return {
    pass: (ms) => void (now += ms),
    readControl: inTurn(() => ({ ...control })),
    setControl: inTurn(({ paused, reason, updatedBy }) => {
      const { problem: _, ...next } = (control = {
        paused,
        reason,
        updatedBy,
        problem: null,
        updatedAt: clock().toISOString(),
      });
      return { ...next };
    }),
    recordAcknowledgement: inTurn(() => undefined),
    recordIntent: inTurn(({ runId, attempt, headSha, baseSha, isRevert }) => {
      if (!isRevert && control.paused) return { kind: "paused" };
      const taken = rows.find((row) => isOpen(row) && row.isRevert === isRevert);
      if (taken !== undefined) return { kind: "taken", by: copy(taken) };
      const row: Row = {
        id: (lastId += 1),
        runId,
        attempt,
        headSha,
        baseSha,
        isRevert,
        holder: thisHolder(),
        phase: "recorded",
        recordedAt: clock(),
        landingAt: null,
        resolvedAt: null,
        outcome: null,
        knownBy: null,
        mergeSha: null,
        fenceClosedAt: null,
      };
      rows.push(row);
      return { kind: "recorded", intent: copy(row) };
    }),
    takeOverIntent: inTurn(({ id, holder }) => {
      const row = find(id);
      if (!isOpen(row) || row.holder.instance !== holder.instance) return null;
      const takenOverAt = row.phase === "recorded" ? clock().toISOString() : row.holder.takenOverAt;
      row.holder = { ...thisHolder(), takenOverAt };
      return copy(row);
    }),
    letThrough: inTurn(({ id }) => {
      const row = find(id);
      if (!isOpen(row) || !isOurs(row)) return "resolved";
      if (!row.isRevert && control.paused) return "paused";
      row.phase = "landing";
      row.landingAt = clock();
      return "through";
    }),
    resolveIntent: inTurn((id, resolution) => {
      const row = find(id);
      if (isOpen(row)) resolve(row, resolution);
      return copy(row);
    }),
    resolveUnlessLetThrough: inTurn((id) => {
      const row = find(id);
      if (!isOpen(row) || row.phase !== "recorded") return null;
      resolve(row, { outcome: "did-not-happen", knownBy: "not-let-through" });
      return copy(row);
    }),
    resolveLanded: inTurn((headSha, mergeSha) => {
      for (const row of rows.filter((each) => isOpen(each) && each.headSha === headSha)) {
        resolve(row, { outcome: "landed", knownBy: "read-back", mergeSha });
      }
    }),
    noteFenceClosed: inTurn((id) => {
      const row = find(id);
      if (row.outcome === "did-not-happen") row.fenceClosedAt ??= clock();
    }),
    openIntents: inTurn(() => selected(isOpen)),
    intentsToClose: inTurn(() => {
      const open = rows.filter(isOpen).map(({ headSha }) => headSha);
      return selected(
        (row) =>
          row.outcome === "did-not-happen" &&
          row.fenceClosedAt === null &&
          !row.isRevert &&
          !open.includes(row.headSha),
      );
    }),
    readIntents: inTurn((wanted) => selected(({ id }) => wanted.includes(id))),
    revertsLandedSince: inTurn((since) =>
      selected(
        ({ isRevert, outcome, resolvedAt }) =>
          isRevert && outcome === "landed" && resolvedAt !== null && resolvedAt >= since,
      ),
    ),
    sinceLetThroughMs: inTurn((id) => {
      const { landingAt } = find(id);
      return landingAt === null ? Infinity : now - landingAt.getTime();
    }),
    sinceResolvedMs: inTurn((id) => {
      const { resolvedAt } = find(id);
      return resolvedAt === null ? Infinity : now - resolvedAt.getTime();
    }),
    isOfEarlierLeadership: inTurn(() => false),
    givenUpLandings: inTurn((headSha) =>
      selected(
        (row) =>
          row.headSha === headSha &&
          row.phase === "landing" &&
          row.outcome === "did-not-happen" &&
          ids.some((word) => word === row.knownBy),
      ),
    ),
    doubtfulOpenings: inTurn(({ id, headSha }) => {
      const age = (at: Date): number => now - at.getTime();
      const others = rows
        .filter((row) => row.headSha === headSha && row.id !== id && row.phase === "recorded")
        .map(({ holder, resolvedAt, recordedAt }) => ({
          holder: { ...holder },
          ageMs: age(resolvedAt ?? recordedAt),
        }));
      const { takenOverAt } = find(id).holder;
      return takenOverAt === null
        ? others
        : [...others, { holder: null, ageMs: age(new Date(takenOverAt)) }];
    }),
  };
}
