import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { branchOf, ZERO_SHA, type Sha } from "../git/names.ts";
import { Problem } from "../problem.ts";
import { rulesFor, type Repository } from "../repository.ts";
import type { BranchRules } from "../rules/branch-rules.ts";
import { decideRefMove } from "../rules/ref-move.ts";
import { unmetStatuses } from "../rules/required-statuses.ts";
import type { PushCommand } from "./push-commands.ts";

/**
 * Says no where the forge found a reason, in the place where git tells the pusher. It also compares
 * what git is about to do with what the forge looked at: were the two ever to read a push
 * differently, the push is refused.
 */
const PRE_RECEIVE = `#!/bin/sh
if [ -n "$FORGE_PUSH_REFUSED" ]; then
  printf '%s\\n' "$FORGE_PUSH_REFUSED" >&2
  exit 1
fi
[ "$(cat)" = "$FORGE_PUSH_COMMANDS" ] && exit 0
echo "This push is not the one that the forge looked at." >&2
exit 1
`;

export async function writeHooks(directory: string): Promise<string> {
  const hooks = join(directory, "hooks");
  await mkdir(hooks, { recursive: true, mode: 0o700 });
  await writeFile(join(hooks, "pre-receive"), PRE_RECEIVE, { mode: 0o700 });
  return hooks;
}

/** What the receiving git is told about a push: its environment and its configuration. */
export interface PushGuard {
  environment: Record<string, string>;
  configuration: Record<string, string>;
}

// The hook is told by its environment, and Linux hands no program a longer string than 128 KiB.
const MOST_TOLD_BYTES = 96 * 1024;
// Three bytes of UTF-8 at most for each.
const MOST_REASONS_CHARACTERS = MOST_TOLD_BYTES / 3;

/** Decides about a push. The caller holds the mutex until the push is done. */
export async function guardPush(
  repository: Repository,
  commands: readonly PushCommand[],
  hooks: string,
): Promise<PushGuard> {
  const told = commands
    .filter(({ ref }) => !/^refs\/(?:forge|pull)(?:\/|$)/u.test(ref))
    .map((command) => `${command.old ?? ZERO_SHA} ${command.new ?? ZERO_SHA} ${command.ref}`)
    .join("\n");
  if (Buffer.byteLength(told) > MOST_TOLD_BYTES) {
    throw new Problem(
      413,
      `A push may name what it moves in ${MOST_TOLD_BYTES} bytes, got ${Buffer.byteLength(told)}: push fewer refs at once.`,
    );
  }
  const reasons: string[] = [];
  let keepsHistory = false;
  let keepsBranches = false;
  for (const command of commands) {
    const rules = await rulesFor(repository, branchOf(command.ref));
    if (rules === undefined) continue;
    keepsHistory ||= !rules.isForced;
    keepsBranches ||= !rules.isDeleted;
    const reason = await refusal(repository, command, rules);
    if (reason !== undefined) {
      reasons.push(
        `error: GH006: Protected branch update failed for ${command.ref}.`,
        `- ${reason}`,
      );
    }
  }
  return {
    environment: {
      FORGE_PUSH_REFUSED: reasons.join("\n").slice(0, MOST_REASONS_CHARACTERS),
      FORGE_PUSH_COMMANDS: told,
    },
    configuration: {
      "core.hooksPath": hooks,
      // Commits that come with this push are not here yet: git itself looks when they are.
      ...(keepsHistory ? { "receive.denyNonFastForwards": "true" } : {}),
      ...(keepsBranches ? { "receive.denyDeletes": "true" } : {}),
    },
  };
}

async function refusal(
  repository: Repository,
  command: PushCommand,
  rules: BranchRules,
): Promise<string | undefined> {
  const old = await repository.refs.get(command.ref);
  const target = command.new;
  const decision = decideRefMove({
    old,
    new: target,
    // A push says nothing of force; git's client leaves that to the server.
    force: true,
    fastForward: await isFastForward(repository, old, target),
    rules,
    unmetStatuses:
      target === undefined
        ? undefined
        : unmetStatuses(rules, (await repository.state.statuses(target)).document),
  });
  return decision.allowed ? undefined : decision.reason;
}

async function isFastForward(
  repository: Repository,
  old: Sha | undefined,
  target: Sha | undefined,
): Promise<boolean> {
  if (old === undefined || target === undefined) return true;
  const [object] = await repository.objects.readMany([target]);
  return object?.type === "commit" ? repository.history.isAncestor(old, target) : true;
}
