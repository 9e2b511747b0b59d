import { mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeTree } from "@jarvis/sandbox/testing";
import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import { startForge, type Forge, type ForgeOptions } from "@jarvis/forge";
import {
  ActionExecutor,
  ActionRegistry,
  SafetyController,
  SessionRiskTracker,
} from "@jarvis/operator-core";
import { startSealer, type Sealer } from "@jarvis/ledger";
import { checkSandbox } from "@jarvis/sandbox";
import {
  attest,
  fetchBase,
  fixedToken,
  holderState,
  makeGitHubTarget,
  makeSandboxSwitch,
  openMirror,
  packageManagerEnv,
  pipelineActions,
  pipelineSteps,
  readRun,
  rememberBase,
  treeOf,
  type HostCredentials,
  type PipelineSteps,
  type PipelineWorld,
  type Run,
} from "../self-extension/index.ts";
import { recordProposal } from "../self-extension/record-proposal.ts";
import { parseProposal } from "../self-extension/proposal.ts";
import type { TestRepository } from "./git-repository.ts";

/** The whole pipeline on real parts: database, forge over HTTP, git, sandbox. Only the engine is left out. */
export interface TestWorld extends PipelineWorld {
  readonly forge: Forge;
  readonly database: TestDatabase;
  readonly steps: PipelineSteps;
  readonly executor: ActionExecutor;
  readonly safety: SafetyController;
  /** Records a proposal and takes it through every stage, as the workflow would. */
  propose(patch: string, more?: Record<string, unknown>): Promise<Run>;
  submit(patch: string, more?: Record<string, unknown>): Promise<string>;
  /** One more attempt of a parked run, with what happens once it is verified and not promoted yet. */
  attempt(runId: string, attempt: number, onVerified?: () => Promise<void>): Promise<Run>;
  /** The forge goes away; answers how it comes back, at the same address, perhaps changed. */
  stopForge(): Promise<(changed?: Partial<ForgeOptions>) => Promise<void>>;
  /** Requests of the forge that changed something. */
  mutations(): { method: string; path: string; status: number }[];
  close(): Promise<void>;
}

export interface TestWorldOptions {
  readonly mode?: "observe" | "execute";
  readonly run?: PipelineWorld["run"];
  readonly room?: PipelineWorld["room"];
  readonly ledgerProblem?: PipelineWorld["ledger"]["problem"];
  /** What requests are signed with; the forge's own token unless told. */
  readonly credentials?: (forge: Forge) => HostCredentials;
  readonly packageManagerEnv?: Readonly<Record<string, string>>;
  readonly holderState?: PipelineWorld["holderState"];
  /** How this kernel is named where it executes an action. */
  readonly executorId?: string;
}

/** What outlives a kernel: its directory, its database and the forge. */
export interface TestPlace {
  readonly directory: string;
  readonly database: TestDatabase;
  readonly forgeOptions: ForgeOptions;
  readonly forge: Forge;
}

export async function makeTestPlace(
  repository: TestRepository,
  options: Partial<ForgeOptions> = {},
): Promise<TestPlace> {
  const directory = mkdtempSync(join(tmpdir(), "jarvis-world-"));
  const forgeOptions: ForgeOptions = {
    directory: join(directory, "forge"),
    owner: "local",
    repository: "project",
    seed: {
      gitDirectory: repository.gitDirectory,
      commit: repository.git("rev-parse", "HEAD").trim(),
    },
    ...options,
  };
  const database = await createTestDatabase();
  return { directory, database, forgeOptions, forge: await startForge(forgeOptions) };
}

/** What a kernel makes in its place when it starts. */
export interface OpenedWorld {
  readonly world: PipelineWorld;
  readonly executor: ActionExecutor;
  readonly safety: SafetyController;
  readonly sealer: Sealer;
}

export async function openTestWorld(
  { directory, forge }: Pick<TestPlace, "directory" | "forge">,
  db: PipelineWorld["db"],
  options: TestWorldOptions = {},
): Promise<OpenedWorld> {
  const mirror = await openMirror(join(directory, "mirror.git"));
  const directories = {
    work: join(directory, "work"),
    dependencies: join(directory, "dependencies"),
    builds: join(directory, "builds"),
    files: join(directory, "files"),
    releases: join(directory, "releases"),
    inventory: join(directory, "inventory"),
  };
  for (const path of Object.values(directories)) mkdirSync(path, { recursive: true });
  const sandboxes = makeSandboxSwitch(() => safety);
  const sealer = await startSealer({ db, stateDirectory: directory });
  const registry = new ActionRegistry();
  for (const action of pipelineActions(() => world)) registry.register(action);
  const endSandboxes = async (): Promise<number> => {
    sandboxes.interrupt();
    return await Promise.resolve(0);
  };
  const safety = new SafetyController(db, { onKill: [endSandboxes] });
  const executor = new ActionExecutor({
    db,
    registry,
    policy: {
      rules: [
        "promote_change",
        "release_change",
        "open_revert_pull_request",
        "lift_hold",
        "take_over",
      ].map((action) => ({
        action,
        decision: "allow" as const,
        reason: "what the pipeline does",
      })),
      protectedPaths: [],
    },
    safety,
    sessions: new SessionRiskTracker(),
    ...(options.executorId === undefined ? {} : { executorId: options.executorId }),
  });
  const world: PipelineWorld = {
    db,
    mirror,
    github: makeGitHubTarget(
      {
        apiUrl: forge.apiUrl,
        owner: "local",
        repo: "project",
        baseBranch: "main",
        gitUrl: forge.cloneUrl,
        remote: false,
      },
      options.credentials?.(forge) ?? fixedToken(forge.token),
    ),
    ledger: { ...sealer, problem: options.ledgerProblem ?? (() => null) },
    actions: executor,
    flights: new Map(),
    holderState: options.holderState ?? holderState,
    unblessed: async () => await Promise.resolve(null),
    room:
      options.room ??
      (async () => await Promise.resolve({ level: "enough", detail: "There is room." })),
    inStage: async (stage) => await stage(),
    run: options.run ?? sandboxes.run,
    checkSandbox,
    packageManager: {
      env: { ...packageManagerEnv(process.env), ...options.packageManagerEnv },
      defaultPnpm: "12.21.0",
    },
    directories,
    signal: sandboxes.signal,
    progress: () => undefined,
    ended: () => undefined,
  };
  return { world, executor, safety, sealer };
}

/** What a first start says of the base that it finds. */
export async function attestFirst(world: PipelineWorld): Promise<void> {
  const sha = await fetchBase(world);
  await attest(world.db, {
    sha,
    treeSha: await treeOf(world.mirror, sha),
    by: "set-up",
    actor: "test",
    reason: "first base",
  });
  await rememberBase(world.db, sha);
}

export async function makeTestWorld(
  repository: TestRepository,
  options: TestWorldOptions & { readonly forge?: Partial<ForgeOptions> } = {},
): Promise<TestWorld> {
  const place = await makeTestPlace(repository, options.forge);
  const { directory, database, forgeOptions } = place;
  let { forge } = place;
  const opened = await openTestWorld(place, database.db, options);
  const { world, executor, safety, sealer } = opened;
  await attestFirst(world);
  const mode = options.mode ?? "execute";
  await safety.setMode(mode, { reason: "test", actor: "test" });
  const steps = pipelineSteps(() => world);

  async function attempt(
    runId: string,
    number: number,
    onVerified?: () => Promise<void>,
  ): Promise<Run> {
    try {
      const staged = await steps.stage(runId, number);
      if (staged.stagedSha !== null) {
        const passed =
          staged.alreadyVerified || (await steps.verify(runId, staged.stagedSha)).passed;
        await onVerified?.();
        if (passed) await steps.promote(runId, staged.stagedSha, number);
      }
    } finally {
      steps.ended(runId);
    }
    const run = await readRun(database.db, runId);
    if (run === null) throw new Error(`run ${runId} is gone`);
    return run;
  }

  async function submit(patch: string, more: Record<string, unknown> = {}): Promise<string> {
    return await recordProposal(world, parseProposal({ patch, ...more }));
  }

  return {
    ...world,
    forge,
    async stopForge() {
      await forge.close();
      return async (changed = {}) => {
        forge = await startForge({ ...forgeOptions, ...changed });
      };
    },
    database,
    executor,
    safety,
    steps,
    submit,
    attempt,
    propose: async (patch, more) => await attempt(await submit(patch, more), 1),
    mutations() {
      return readFileSync(forge.requestLog, "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map(
          (line) =>
            JSON.parse(line) as { method: string; path: string; status: number; mutation: boolean },
        )
        .filter((entry) => entry.mutation);
    },
    async close() {
      executor.close();
      await sealer.stop();
      await forge.close();
      await database.close();
      removeTree(directory);
    },
  };
}
