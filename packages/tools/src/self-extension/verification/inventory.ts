import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { TestStage } from "../guard-config.ts";
import type { Staged } from "../staged-change.ts";
import { missingFrom, type Inventory } from "./judge-tests.ts";

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
      // Two verifications may write the same one at once.
      const scratch = `${path}.${randomUUID()}`;
      await writeFile(scratch, JSON.stringify({ names: inventory }));
      await rename(scratch, path);
    },
  };
}

/**
 * The files of the base whose own version a change is not held against: those that it touches, where
 * a person approved that tests are changed or where a revert only takes them back to attested bytes.
 */
export function releasedFiles({
  approval,
  restored,
  changes,
}: Pick<Staged, "approval" | "restored" | "changes">): ReadonlySet<string> {
  const isApproved = approval?.released.includes("evaluator-changed") === true;
  const released = changes.filter(
    ({ path, oldMode }) => oldMode !== null && (isApproved || restored.has(path)),
  );
  return new Set(released.map(({ path }) => path));
}

/**
 * What passed on the base and has to pass again: all but the tests of released files, and those whose
 * title names a released file as the one that they are made of. Titles are the base's words; one is
 * only taken for a path where it has a directory, as a file can be called like any word.
 */
export function stillDemanded(names: Inventory, released: ReadonlySet<string>): Inventory {
  return names.filter((name) => {
    const [file, ...titles] = name.split(" > ");
    const named = titles
      .flatMap((title) => title.split(/[\s:,]+/))
      .filter((each) => each.includes("/"));
    return ![file ?? "", ...named].some((path) => released.has(path));
  });
}

/**
 * What a revert takes away with the change that it takes back: the tests that passed after that change
 * and not before it. Empty where either is not on record, as then nothing is known to be its own.
 */
export async function takenBack(
  store: Pick<InventoryStore, "read">,
  stage: TestStage,
  reverted: { readonly before: string; readonly after: string } | null,
): Promise<Inventory> {
  if (reverted === null) return [];
  const before = await store.read(reverted.before, stage);
  const after = await store.read(reverted.after, stage);
  return before === null || after === null ? [] : missingFrom(after, before);
}
