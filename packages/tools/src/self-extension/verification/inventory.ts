import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { TestStage } from "../guard-config.ts";
import type { Staged } from "../staged-change.ts";
import type { Inventory } from "./judge-tests.ts";

const stored = z.object({ names: z.array(z.string()) });

/**
 * What passed on a tree, by stage. Kept in the state directory, which no candidate can reach; lost
 * files are only computed again.
 */
export interface InventoryStore {
  read(tree: string, stage: TestStage): Promise<Inventory | null>;
  write(tree: string, stage: TestStage, inventory: Inventory): Promise<void>;
}

export function inventoryStore(directory: string): InventoryStore {
  const pathOf = (tree: string, stage: TestStage): string => {
    // Another argv, runner or set of files is another exam.
    const exam = createHash("sha256")
      .update(JSON.stringify([stage, process.version]))
      .digest("hex");
    return join(directory, `${tree}-${exam.slice(0, 16)}.json`);
  };
  return {
    async read(tree, stage) {
      try {
        return stored.parse(JSON.parse(await readFile(pathOf(tree, stage), "utf8"))).names;
      } catch {
        return null;
      }
    },
    async write(tree, stage, inventory) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const path = pathOf(tree, stage);
      const scratch = `${path}.${process.pid}`;
      await writeFile(scratch, JSON.stringify({ names: inventory }));
      await rename(scratch, path);
    },
  };
}

/**
 * What passed on the base and has to pass again. Where a person approved that tests are changed, or a
 * revert only takes them back to attested bytes, the tests of the very files that the change touches
 * are not demanded; all others are.
 */
export function stillDemanded(
  names: Inventory,
  { approval, restored, changes }: Pick<Staged, "approval" | "restored" | "changes">,
): Inventory {
  const isApproved = approval?.released.includes("evaluator-changed") === true;
  const touched = changes
    .filter(({ path, oldMode }) => oldMode !== null && (isApproved || restored.has(path)))
    .map(({ path }) => path);
  return names.filter((name) => !touched.some((path) => name.startsWith(`${path} > `)));
}
