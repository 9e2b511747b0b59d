import { appendSelfExtensionEvent, revertRunId } from "../../self-extension/index.ts";
import type { TestRepository } from "../git-repository.ts";
import { rollback } from "../lifecycle.ts";
import type { Course, CrashWorld, Kernel } from "./crash-world.ts";

/** A way that a run can go, and how it ends when nothing goes wrong. */
export interface Outcome {
  readonly name: string;
  readonly ends: { readonly status: string; readonly blockReasons: readonly string[] };
  /** Another run each time, which ends alike. */
  readonly course: (crash: CrashWorld, repository: TestRepository) => Promise<Course>;
}

let changes = 0;
const aFile = (): Record<string, string> => ({ [`src/c${(changes += 1)}.js`]: `${changes};\n` });

/** The ends that the demonstration shows, and the revert that a rollback leads to. */
export const outcomes: readonly Outcome[] = [
  {
    name: "promoted",
    ends: { status: "promoted", blockReasons: [] },
    course: async (_, repository) => await Promise.resolve(proposing(repository.patch(aFile()))),
  },
  {
    name: "blocked by its tests",
    ends: { status: "blocked", blockReasons: ["isolated-verification-failed"] },
    course: async (_, repository) => {
      const wrong = `export const add = (a, b) => a - b; // ${(changes += 1)}\n`;
      return await Promise.resolve(proposing(repository.patch({ "src/add.js": wrong })));
    },
  },
  {
    name: "hostile",
    ends: { status: "blocked", blockReasons: ["verdict-not-trusted"] },
    course: async (_, repository) => {
      const liar = `process.exit(0); // ${(changes += 1)}\nexport const add = () => 0;\n`;
      return await Promise.resolve(proposing(repository.patch({ "src/add.js": liar })));
    },
  },
  {
    name: "protected",
    ends: { status: "parked", blockReasons: ["evaluator-changed"] },
    course: async (_, repository) => {
      const written = { ".github/workflows/ci.yml": `# ${(changes += 1)}\n` };
      return await Promise.resolve(proposing(repository.patch(written)));
    },
  },
  {
    name: "paused, then promoted",
    ends: { status: "promoted", blockReasons: [] },
    course: async (_, repository) => {
      const proposed = proposing(repository.patch(aFile()));
      return await Promise.resolve({
        async begin(kernel: Kernel) {
          const { modules, world } = kernel;
          const change = { reason: "freeze", updatedBy: "anna" };
          await modules.pausePromotion(modules.settleWorld(world), change, { waitMs: 0 });
          await proposed.begin(kernel);
        },
        tend: async ({ modules, world }: Kernel) => {
          if (!(await modules.getPromotionControlState(world.db)).paused) return false;
          await modules.resumePromotion(modules.settleWorld(world), {
            reason: "go on",
            updatedBy: "anna",
          });
          return true;
        },
      });
    },
  },
  {
    name: "observed, then promoted",
    ends: { status: "promoted", blockReasons: [] },
    course: async (_, repository) => {
      const proposed = proposing(repository.patch(aFile()));
      return await Promise.resolve({
        async begin(kernel: Kernel) {
          await kernel.safety.setMode("observe", { reason: "look first", actor: "anna" });
          await proposed.begin(kernel);
        },
        tend: executeAgain,
      });
    },
  },
  {
    name: "killed while it is verified",
    ends: { status: "blocked", blockReasons: ["kill-switch-active"] },
    course: async (_, repository) => await Promise.resolve(killing(repository.patch(aFile()))),
  },
  {
    name: "reverted",
    ends: { status: "promoted", blockReasons: [] },
    course: async (crash, repository) => await revertOf(crash, repository.patch(aFile()), null),
  },
  {
    name: "refused after a rollback",
    ends: { status: "blocked", blockReasons: ["held-after-rollback"] },
    async course(crash, repository) {
      const goal = `goal ${(changes += 1)}`;
      await crash.run(await revertOf(crash, repository.patch(aFile()), goal), []);
      return proposing(repository.patch(aFile()), goal);
    },
  },
];

const still: Pick<Course, "tend"> = { tend: async () => await Promise.resolve(false) };

function proposing(patch: string, goal: string | null = null): Course {
  return {
    ...still,
    async begin({ modules, world, start }) {
      const runId = await modules.recordProposal(
        world,
        modules.parseProposal({ patch, title: "A change", goal }),
      );
      await start(runId, 1);
    },
  };
}

async function executeAgain({ safety }: Kernel): Promise<boolean> {
  if ((await safety.refresh()) === "execute") return false;
  await safety.setMode("execute", { reason: "go on", actor: "anna" });
  return true;
}

/** The kill switch is pulled as soon as a sandbox works, and asked again where a kernel took it along. */
function killing(patch: string): Course {
  let killed: Promise<unknown> = Promise.resolve();
  return {
    ...proposing(patch),
    beside({ life, safety }) {
      killed = Promise.resolve();
      void life.reach("sandbox begun (1)").then(() => {
        killed = safety.kill({ reason: "stop it", actor: "anna" });
        // Whoever tends the run hears of it; of a dead kernel nobody does.
        killed.catch(() => undefined);
      });
    },
    async tend(kernel) {
      await killed;
      return await executeAgain(kernel);
    },
  };
}

/** Promotes a change and takes it back; what is left to do is the revert. */
async function revertOf(crash: CrashWorld, patch: string, goal: string | null): Promise<Course> {
  const { runId } = await crash.run(proposing(patch, goal), []);
  const [started] = rollback(runId, null);
  const { occurredAt: startedAt } = started.payload;
  const revertId = revertRunId({ runId, attempt: 1, startedAt });
  for (const event of rollback(runId, revertId)) {
    await appendSelfExtensionEvent(crash.db, event);
  }
  return {
    ...still,
    async begin({ modules, world, start }) {
      const change = await modules.promotedChange(world, runId);
      if (change === null) throw new Error(`run ${runId} promoted nothing`);
      const baseTree = await modules.treeOf(world.mirror, await modules.fetchBase(world));
      await modules.proposeRevert(world, { runId: revertId, change, baseTree });
      await start(revertId, 1);
    },
  };
}
