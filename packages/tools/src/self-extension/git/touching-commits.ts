import type { Mirror } from "./mirror.ts";
import { gitText } from "./run-git.ts";

const SHOWN = 5;

/** The newest commits that touched a path after one commit, until another. */
export async function commitsTouching(
  mirror: Mirror,
  { path, after, until }: { path: string; after: string; until: string },
): Promise<string[]> {
  const output = await gitText(
    ["rev-list", `--max-count=${SHOWN}`, until, `^${after}`, "--", `:(literal)${path}`],
    mirror,
  );
  return output.split("\n").filter((line) => line !== "");
}
