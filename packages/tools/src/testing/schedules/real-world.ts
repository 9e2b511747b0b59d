import { setTimeout as sleep } from "node:timers/promises";
import { fixedToken } from "../../self-extension/host-credentials.ts";
import { makeOctokit } from "../../self-extension/github-client.ts";
import { makeGitHubTarget } from "../../self-extension/github-target.ts";
import type { GitHubTarget } from "../../self-extension/pipeline-world.ts";
import { holderState } from "../../self-extension/promotion-holder.ts";
import { promotionStore, type PromotionStore } from "../../self-extension/promotion-store.ts";
import { at } from "../promotion-world.ts";
import type { TestWorld } from "../pipeline-world.ts";
import type { ScheduleHost, ScheduleWorld } from "./run-schedule.ts";
import type { Scheduler } from "./scheduler.ts";

/** The forge as somebody works with it who is not Jarvis. */
export function realHost({ forge }: Pick<TestWorld, "forge">): ScheduleHost {
  const operator = makeOctokit({
    apiUrl: forge.apiUrl,
    token: forge.operatorToken,
    remote: false,
  });
  const made = new Map<string, string>();
  const parents = new Map<string, string>();
  const readBase = async (): Promise<string> =>
    (await operator.rest.git.getRef({ ...at, ref: "heads/main" })).data.object.sha;

  async function commit(parent: string, label: string): Promise<string> {
    const key = `${parent}:${label}`;
    const known = made.get(key);
    if (known !== undefined) return known;
    const { data: tree } = await operator.rest.git.createTree({
      ...at,
      base_tree: parent,
      tree: [{ path: `${label}.txt`, mode: "100644", type: "blob", content: `${label}\n` }],
    });
    const { data } = await operator.rest.git.createCommit({
      ...at,
      message: label,
      tree: tree.sha,
      parents: [parent],
    });
    made.set(key, data.sha);
    parents.set(data.sha, parent);
    return data.sha;
  }

  return {
    commit,
    async push(label) {
      for (;;) {
        const sha = await commit(await readBase(), label);
        for (const context of ["jarvis/sandbox", "jarvis/promotion"]) {
          await operator.rest.repos.createCommitStatus({ ...at, sha, context, state: "success" });
        }
        try {
          await operator.rest.git.updateRef({ ...at, ref: "heads/main", sha });
          return sha;
        } catch {
          // A promotion was faster: pushed again upon it, as people do.
        }
      }
    },
    // Where the base stands is asked; what that commit descends from is in its name.
    async history() {
      const shas = [await readBase()];
      for (;;) {
        const parent = parents.get(shas.at(-1) ?? "");
        if (parent === undefined) return shas;
        shas.push(parent);
      }
    },
    async pullsOf(branch) {
      const head = `local:${branch}`;
      return (await operator.rest.pulls.list({ ...at, state: "all", head })).data.length;
    },
    async evidenceOf(sha) {
      const { data } = await operator.rest.repos.listCommitStatusesForRef({ ...at, ref: sha });
      return data.filter(({ context }) => context === "jarvis/sandbox").length;
    },
    async fenceOf(sha) {
      const { data } = await operator.rest.repos.listCommitStatusesForRef({ ...at, ref: sha });
      return data.find(({ context }) => context === "jarvis/promotion")?.state ?? null;
    },
    onTheirWay: () => 0,
  };
}

/** The way of a pipeline to the forge, with each request in its turn. */
export function realTarget(forge: TestWorld["forge"], scheduler: Scheduler | null): GitHubTarget {
  const target = makeGitHubTarget(
    {
      apiUrl: forge.apiUrl,
      owner: at.owner,
      repo: at.repo,
      baseBranch: "main",
      gitUrl: forge.cloneUrl,
      remote: false,
    },
    fixedToken(forge.token),
  );
  target.octokit.hook.wrap("request", async (request, options) =>
    scheduler === null
      ? await request(options)
      : await scheduler.outside(async () => await request(options)),
  );
  return target;
}

/** The real database and the real forge, with everything that is asked of them in its turn. */
export function realWorld(world: TestWorld, scheduler: Scheduler): ScheduleWorld {
  const host = realHost(world);
  const github = realTarget(world.forge, scheduler);
  const inTurn = <T extends object>(port: T): T =>
    new Proxy(port, {
      get: (of, name) => {
        const work = Reflect.get(of, name) as (...given: unknown[]) => Promise<unknown>;
        return async (...given: unknown[]) =>
          await scheduler.outside(async () => await work(...given));
      },
    });
  const { commit, push, history, pullsOf, evidenceOf, fenceOf } = inTurn(host);
  const wait = async (ms: number): Promise<void> =>
    await scheduler.outside(async () => {
      await sleep(Math.min(ms, 1));
    });
  return {
    settling: {
      store: inTurn<PromotionStore>(promotionStore(world.db)),
      github: () => github,
      holderState,
      wait,
    },
    pass: wait,
    host: { commit, push, history, pullsOf, evidenceOf, fenceOf, onTheirWay: () => 0 },
  };
}
