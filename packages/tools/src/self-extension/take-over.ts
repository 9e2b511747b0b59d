import { defineAction, type ActionDefinition } from "@jarvis/operator-core";
import { z } from "zod";
import { hostProblem } from "./host-problem.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { addMarker, ownerOf, readMarker } from "./repository-owner.ts";
import { readRepositoryFacts } from "./repository-standing.ts";
import { rememberRepository, replaceRepository } from "./repository-record.ts";

export const TAKE_OVER = "take_over";

const TIME_LIMIT_MS = 60_000;

/** What a takeover has done, as it stands in the action's record. */
export const takeover = z.object({
  repositoryId: z.number(),
  baseBranch: z.string(),
  /** The instance that promoted here before; null where it was nobody or this one. */
  before: z.string().nullable(),
  /** True where the base branch or the address is another one now, which takes a restart. */
  restartNeeded: z.boolean(),
});
export type Takeover = z.infer<typeof takeover>;

/**
 * Makes this database the one that promotes to the repository as it is now: its id, its default
 * branch, and the marker on the host. Whoever promoted before is stopped by that at the next look.
 */
export function takeOverAction(world: () => PipelineWorld): ActionDefinition {
  return defineAction({
    name: TAKE_OVER,
    description: "makes this instance the one that promotes to the repository",
    parameters: z.strictObject({}),
    effect: "promotion",
    risk: "medium",
    needsApproval: false,
    idempotent: true,
    timeoutMs: TIME_LIMIT_MS,
    run: async () => {
      try {
        return await takeOver(world());
      } catch (error) {
        // The host's refusal in words that help, since this is what the person reads.
        const found = hostProblem(error);
        if (found === null) throw error;
        throw new Error(found.detail, { cause: error });
      }
    },
  });
}

async function takeOver({ db, github }: PipelineWorld): Promise<Takeover> {
  const facts = await readRepositoryFacts(github);
  if ("problem" in facts) throw new Error(facts.problem.detail);
  const { instanceId } = await rememberRepository(db, facts);
  const standing = await readMarker(github);
  const before = standing === null ? null : await ownerOf(github, standing.sha);
  const marker =
    standing !== null && before === instanceId
      ? standing
      : await addMarker(github, (standing?.number ?? 0) + 1, instanceId);
  if ((await ownerOf(github, marker.sha)) !== instanceId) {
    throw new Error(
      "Another instance took the repository over at the same time; look which one is to run.",
    );
  }
  await replaceRepository(db, { ...facts, markerSha: marker.sha });
  return {
    repositoryId: facts.repositoryId,
    baseBranch: facts.baseBranch,
    before: before === instanceId ? null : before,
    restartNeeded: facts.baseBranch !== github.baseBranch || facts.cloneUrl !== github.gitUrl,
  };
}
