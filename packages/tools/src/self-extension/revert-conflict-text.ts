import { fencedBlock, inertLine } from "./text-fence.ts";

export interface ConflictFacts {
  readonly runId: string;
  readonly baseSha: string;
  readonly reverted: { readonly runId: string; readonly title: string; readonly mergeSha: string };
  /** Paths that could not be taken back, with the commits that touched them later. */
  readonly paths: readonly { readonly path: string; readonly commits: readonly string[] }[];
}

/** Of a commit that nobody verified, so it has no trailer of evidence. */
export function conflictMessage({ runId, reverted }: ConflictFacts): string {
  return `${title(reverted)}\n\nJarvis-Run: ${runId}\nJarvis-Reverts: ${reverted.runId}\n`;
}

export function conflictText(facts: ConflictFacts): { title: string; body: string } {
  const { runId, baseSha, reverted, paths } = facts;
  const lines = paths.map(({ path, commits }) => `${path}  ${commits.join(" ")}`.trimEnd());
  const body = [
    "Jarvis rolled this change back and serves the release before it. It cannot take all of it back on the base, because later changes touched the same files; which of both is right is a person's to say.",
    "",
    "The branch holds what could be taken back and leaves these files as they are on the base. Nothing of it was verified. The commits that touched them later stand beside the paths:",
    "",
    // Paths are a candidate's text.
    fencedBlock(lines.join("\n")),
    "",
    "Finish it on this branch and merge it. Jarvis does not merge it: it verifies the base when it has moved, and then promotes again.",
    `To keep the change instead: \`jarvis hold lift ${reverted.runId} --reason TEXT\`.`,
    "",
    `- Run: \`${runId}\``,
    `- Rolled back: \`${reverted.mergeSha}\` (run \`${reverted.runId}\`)`,
    `- Base: \`${baseSha}\``,
  ];
  return { title: title(reverted), body: body.join("\n") };
}

function title(reverted: ConflictFacts["reverted"]): string {
  return inertLine(`A person has to revert ${reverted.title}`);
}
