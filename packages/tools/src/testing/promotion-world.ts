import { attest } from "../self-extension/attestation.ts";
import { makeOctokit } from "../self-extension/github-client.ts";
import { makeRepository, type TestRepository } from "./git-repository.ts";
import { makeTestWorld, type TestWorld } from "./pipeline-world.ts";

export const at = { owner: "local", repo: "project" };

/** A pipeline over a project whose verification takes a moment, for tests of what comes after it. */
export interface PromotionWorld {
  readonly world: TestWorld;
  readonly repository: TestRepository;
  readonly operator: ReturnType<typeof makeOctokit>;
  /** A patch that no other patch of this world conflicts with. */
  patch(): string;
  /** Lets somebody else commit to the base; `attested` as an operator would accept it. */
  moveBase(options: { attested: boolean; files?: Record<string, string> }): Promise<string>;
  /** Replaces the base by a commit that does not descend from it. */
  rewriteBase(): Promise<string>;
  /** What the host holds of the pipeline's doing. */
  host(): Promise<{ base: string; branches: string[]; pulls: Pull[] }>;
  close(): Promise<void>;
}

export interface Pull {
  readonly number: number;
  readonly state: string;
  readonly merged: boolean;
  readonly head: string;
}

export async function makePromotionWorld(
  config: Record<string, unknown> = {},
  options: Parameters<typeof makeTestWorld>[1] = {},
): Promise<PromotionWorld> {
  const repository = makeRepository({
    "README.md": "A project.\n",
    "jarvis.config.json": JSON.stringify({
      version: 1,
      dependencies: { manager: "none" },
      stages: [{ kind: "check", name: "nothing", argv: ["true"] }],
      ...config,
    }),
  });
  const world = await makeTestWorld(repository, options);
  const operator = makeOctokit({
    apiUrl: world.forge.apiUrl,
    token: world.forge.operatorToken,
    remote: false,
  });
  let files = 0;

  async function readBase(): Promise<string> {
    return (await operator.rest.git.getRef({ ...at, ref: "heads/main" })).data.object.sha;
  }

  async function commit(
    parents: string[],
    tree: { base_tree?: string },
    written: Record<string, string> = { [`other-${(files += 1)}.txt`]: `${files}\n` },
  ) {
    const made = await operator.rest.git.createTree({
      ...at,
      ...tree,
      tree: Object.entries(written).map(([path, content]) => ({
        path,
        mode: "100644",
        type: "blob",
        content,
      })),
    });
    const { data } = await operator.rest.git.createCommit({
      ...at,
      message: "Somebody else's work",
      tree: made.data.sha,
      parents,
    });
    for (const context of ["jarvis/sandbox", "jarvis/promotion"]) {
      await operator.rest.repos.createCommitStatus({
        ...at,
        sha: data.sha,
        state: "success",
        context,
      });
    }
    return { sha: data.sha, treeSha: made.data.sha };
  }

  return {
    world,
    repository,
    operator,
    patch: () => repository.patch({ [`file-${(files += 1)}.txt`]: `${files}\n` }),
    async moveBase({ attested, files: written }) {
      const base = await readBase();
      const { sha, treeSha } = await commit([base], { base_tree: base }, written);
      await operator.rest.git.updateRef({ ...at, ref: "heads/main", sha, force: false });
      const by = { by: "accepted", actor: "anna", reason: "looked at it" } as const;
      if (attested) await attest(world.db, { sha, treeSha, ...by });
      return sha;
    },
    async rewriteBase() {
      const { sha } = await commit([], { base_tree: await readBase() });
      await operator.rest.repos.deleteBranchProtection({ ...at, branch: "main" });
      await operator.rest.git.updateRef({ ...at, ref: "heads/main", sha, force: true });
      return sha;
    },
    async host() {
      const refs = await operator.paginate(operator.rest.git.listMatchingRefs, {
        ...at,
        ref: "heads/jarvis/",
        per_page: 100,
      });
      const pulls = await operator.paginate(operator.rest.pulls.list, {
        ...at,
        state: "all",
        per_page: 100,
      });
      return {
        base: await readBase(),
        branches: refs.map(({ ref }) => ref.replace("refs/heads/", "")),
        pulls: pulls.map(({ number, state, merged_at, head }) => ({
          number,
          state,
          merged: merged_at !== null,
          head: head.sha,
        })),
      };
    },
    async close() {
      await world.close();
      repository.remove();
    },
  };
}

export type Call = {
  readonly method: string;
  readonly url: string;
  /** Of a status: which one. */
  readonly context: string | null;
};

/** Wraps every request of the pipeline; answers how to stop wrapping. */
export function onRequest(
  world: TestWorld,
  act: (call: Call, send: () => Promise<unknown>) => Promise<unknown>,
): () => void {
  let active = true;
  world.github.octokit.hook.wrap("request", async (request, options) => {
    const send = async () => await request(options);
    const context = typeof options["context"] === "string" ? options["context"] : null;
    const call = { method: options.method, url: options.url, context };
    const answer = active ? await act(call, send) : send();
    return (await answer) as Awaited<ReturnType<typeof request>>;
  });
  return () => {
    active = false;
  };
}

/** What Octokit throws where there was no answer. */
export function noAnswer(): Error {
  return new TypeError("fetch failed");
}
