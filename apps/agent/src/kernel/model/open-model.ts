import type { JarvisDatabase } from "@jarvis/db";
import { readSafetyState } from "@jarvis/operator-core";
import { meteredModel, type Account } from "./metered-model.ts";
import type { ModelConfig } from "./model-config.ts";
import { ModelError, type ModelPort } from "./model-port.ts";
import { readGoal } from "../goals/goal-store.ts";
import { patientModel } from "./patient-model.ts";
import { recordingModel, replayedModel } from "./recording.ts";
import { sdkModel } from "./sdk-model.ts";

export interface Model {
  readonly name: string;
  for(account: Account): ModelPort;
  /** Ends the requests for a goal, or all, at once and without asking the database. */
  stop(goalId?: string): void;
}

/**
 * The model of a configuration. The inner one is made once for a kernel, since a replay remembers
 * where it is; every attempt at a goal has it counted on an account of its own.
 */
export function openModel(config: ModelConfig, db: JarvisDatabase): Model {
  const plain = config.provider === "replay" ? replayedModel(config.model) : sdkModel(config);
  const open = new Set<{ readonly goalId: string; readonly end: AbortController }>();
  const { name } = plain;
  return {
    name,
    stop(goalId) {
      for (const each of open) if (goalId === undefined || goalId === each.goalId) each.end.abort();
    },
    for(account) {
      const { goalId } = account;
      const metered = meteredModel(plain, { db, price: config.price, account });
      const wanted: ModelPort = {
        name,
        async ask(request, signal) {
          // Open before anything is read: whoever pauses the goal, or has Jarvis only observe, changes
          // that and then stops what is open, so that one of the two is seen here, however little
          // lies between them.
          const tap = { goalId, end: new AbortController() };
          open.add(tap);
          try {
            const goal = await readGoal(db, goalId);
            // Whoever paused or cancelled it meanwhile is heard before anything more is spent.
            if (goal?.state !== "running" || tap.end.signal.aborted) {
              throw new ModelError("stopped", `The goal is ${goal?.state ?? "gone"}.`);
            }
            const { mode } = await readSafetyState(db);
            if (mode !== "execute") throw new ModelError("stopped", "Jarvis only observes.");
            return await metered.ask(request, AbortSignal.any([signal, tap.end.signal]));
          } finally {
            open.delete(tap);
          }
        },
      };
      const patient = patientModel(wanted);
      return config.recordTo === null ? patient : recordingModel(patient, config.recordTo);
    },
  };
}
