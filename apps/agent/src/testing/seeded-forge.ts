import { join } from "node:path";
import { startForge, type Forge } from "@jarvis/forge";
import type { TestRepository } from "./repository.ts";

export const at = { owner: "local", repo: "project" };

/** A forge below that directory which holds the repository as it stands. */
export async function startSeededForge(
  directory: string,
  repository: TestRepository,
): Promise<Forge> {
  return await startForge({
    directory: join(directory, "forge"),
    owner: at.owner,
    repository: at.repo,
    seed: {
      gitDirectory: join(repository.directory, ".git"),
      commit: repository.git("rev-parse", "HEAD").trim(),
    },
  });
}
