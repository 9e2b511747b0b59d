import { noProtection, protectionWith, readBranchRules, type Protection } from "./branch-rules.ts";
import type { Mirror } from "./git/mirror.ts";
import { statusOf } from "./host-problem.ts";
import { once } from "./once.ts";
import { uploadTree, type NewCommit } from "./upload-tree.ts";
import type { GitHubTarget } from "./pipeline-world.ts";
import type { ReportedStatus } from "./promotion-gate.ts";

export interface PullRequest {
  readonly number: number;
  readonly url: string;
  readonly state: string;
  readonly title: string;
  readonly body: string;
}

/** What promotion asks of the repository host. Every effect is made at most once (see `once`). */
export type PromotionRemote = ReturnType<typeof promotionRemote>;

export function promotionRemote(github: GitHubTarget) {
  const { octokit, owner, repo, baseBranch } = github;
  const at = { owner, repo };

  async function readBase(): Promise<string> {
    const { data } = await octokit.rest.git.getRef({ ...at, ref: `heads/${baseBranch}` });
    return data.object.sha;
  }

  async function readBranch(branch: string): Promise<string | null> {
    return await orNull(async () => {
      const { data } = await octokit.rest.git.getRef({ ...at, ref: `heads/${branch}` });
      return data.object.sha;
    });
  }

  async function findPullRequest(branch: string): Promise<PullRequest | null> {
    const { data } = await octokit.rest.pulls.list({
      ...at,
      head: `${owner}:${branch}`,
      base: baseBranch,
      state: "all",
      sort: "created",
      direction: "desc",
    });
    // A host that did not understand the filter would answer every pull request.
    const found = data.find((pull) => pull.head.ref === branch);
    return found === undefined
      ? null
      : {
          number: found.number,
          url: found.html_url,
          state: found.state,
          title: found.title,
          body: found.body ?? "",
        };
  }

  /** Of the base. The host takes a login in any case. Whose a head is its branch says, which anybody may name: it only leads to a run. */
  async function openPullRequests(): Promise<{ sha: string; branch: string; isOurs: boolean }[]> {
    const open = { ...at, base: baseBranch, state: "open", per_page: 100 } as const;
    const pulls = await octokit.paginate(octokit.rest.pulls.list, open);
    return pulls.map(({ head: { sha, ref: branch, user } }) => ({
      sha,
      branch,
      isOurs: branch.startsWith("jarvis/") && user?.login.toLowerCase() === owner.toLowerCase(),
    }));
  }

  /**
   * The newest status of one context on a commit; null where it has none. Whoever may write others can
   * put as many above it as they like, so it is looked for to the end.
   */
  async function newestStatus(sha: string, context: string) {
    const { listCommitStatusesForRef } = octokit.rest.repos;
    const asked = { ...at, ref: sha, per_page: 100 };
    for await (const { data } of octokit.paginate.iterator(listCommitStatusesForRef, asked)) {
      const newest = data.find((status) => status.context === context);
      if (newest !== undefined) return newest;
    }
    return null;
  }

  return {
    readBase,
    findPullRequest,
    openPullRequests,
    newestStatus,

    /** Uploads the objects of a commit and answers the SHA that the host gave it. */
    async uploadCommit(mirror: Mirror, commit: NewCommit): Promise<string> {
      return await once({
        find: () =>
          orNull(async () => {
            const { data } = await octokit.rest.git.getCommit({ ...at, commit_sha: commit.sha });
            return data.sha;
          }),
        make: async () => {
          const tree = await uploadTree(octokit, at, mirror, commit);
          const who = { ...commit.identity, date: isoSeconds(commit.date) };
          const { data } = await octokit.rest.git.createCommit({
            ...at,
            message: commit.message,
            tree,
            parents: [commit.parent],
            author: who,
            committer: who,
          });
          return data.sha;
        },
      });
    },

    /** Makes the branch where there is none; answers where it stands. */
    async ensureBranch(branch: string, sha: string): Promise<string> {
      return await once({
        find: () => readBranch(branch),
        make: async () => {
          const { data } = await octokit.rest.git.createRef({
            ...at,
            ref: `refs/heads/${branch}`,
            sha,
          });
          return data.object.sha;
        },
      });
    },

    async ensurePullRequest(
      branch: string,
      text: { title: string; body: string },
    ): Promise<PullRequest> {
      const found = await once({
        find: () => findPullRequest(branch),
        make: async () => {
          const { data } = await octokit.rest.pulls.create({
            ...at,
            head: branch,
            base: baseBranch,
            ...text,
          });
          return { number: data.number, url: data.html_url, state: data.state, ...text };
        },
      });
      const isCurrent =
        found.state === "open" && found.title === text.title && found.body === text.body;
      if (isCurrent) return found;
      // Setting the same text twice is one effect, so this needs no read-back of its own.
      await octokit.rest.pulls.update({ ...at, pull_number: found.number, ...text, state: "open" });
      return { ...found, ...text, state: "open" };
    },

    async ensureStatus(
      sha: string,
      status: { context: string; state: "success"; description: string; targetUrl: string },
    ): Promise<void> {
      await once({
        find: async () => {
          const { id: ownId } = await github.whoAmI();
          const newest = await newestStatus(sha, status.context);
          return newest?.creator?.id === ownId &&
            newest.state === status.state &&
            newest.description === status.description
            ? newest.id
            : null;
        },
        make: async () => {
          const { data } = await octokit.rest.repos.createCommitStatus({
            ...at,
            sha,
            state: status.state,
            context: status.context,
            description: status.description,
            target_url: status.targetUrl,
          });
          return data.id;
        },
      });
    },

    /** The statuses of a commit, newest first. */
    async readStatuses(sha: string): Promise<ReportedStatus[]> {
      const all = await octokit.paginate(octokit.rest.repos.listCommitStatusesForRef, {
        ...at,
        ref: sha,
        per_page: 100,
      });
      return all.map(({ context, state, creator, description }) => ({
        context,
        state,
        creatorId: creator?.id ?? null,
        description,
      }));
    },

    /** What protects the base, by protection and rulesets; undefined where that cannot be read. */
    async readProtection(): Promise<Protection | undefined> {
      const own = await readOwnProtection();
      const rules = await readBranchRules(github, baseBranch);
      return own === undefined || rules === undefined ? undefined : protectionWith(own, rules);
    },

    /**
     * Moves the base forward to exactly `sha`; the host refuses anything but a fast-forward. Sent once:
     * each request that moves the base is let through by itself.
     */
    async fastForwardBase(sha: string): Promise<void> {
      await octokit.rest.git.updateRef({ ...at, ref: `heads/${baseBranch}`, sha, force: false });
    },

    /** Merges the pull request where its head is `sha`. Sent once, like a fast-forward. */
    async merge(number: number, sha: string): Promise<void> {
      await octokit.rest.pulls.merge({ ...at, pull_number: number, sha, merge_method: "merge" });
    },

    landedAs,

    async treeOf(sha: string): Promise<string> {
      const { data } = await octokit.rest.git.getCommit({ ...at, commit_sha: sha });
      return data.tree.sha;
    },

    /** Removes the run's branch where it still stands at our commit; a branch that moved is not ours. */
    async deleteBranch(branch: string, sha: string): Promise<void> {
      await deleteOwnBranch(branch, sha);
    },

    /** Closes what a moved base has made stale; a branch that somebody moved is not ours and stays. */
    async abandon(branch: string, sha: string): Promise<void> {
      const pullRequest = await findPullRequest(branch);
      if (pullRequest?.state === "open") {
        await octokit.rest.pulls.update({
          ...at,
          pull_number: pullRequest.number,
          state: "closed",
        });
      }
      await deleteOwnBranch(branch, sha);
    },
  };

  /**
   * The protection of the base; none is an empty list, an unreadable one undefined. GitHub says 404 to
   * whoever may not read the protection, too, so a 404 alone is not believed.
   */
  async function readOwnProtection(): Promise<Protection | undefined> {
    try {
      const { data } = await octokit.rest.repos.getBranchProtection({ ...at, branch: baseBranch });
      const checks = data.required_status_checks;
      const contexts = checks?.contexts ?? [];
      const isOfEverybody = data.enforce_admins?.enabled ?? false;
      return {
        contexts,
        strict: checks?.strict ?? false,
        ofEverybody: isOfEverybody ? contexts : [],
        ofUsers: contexts,
      };
    } catch (error) {
      const status = statusOf(error);
      if (status !== 403 && status !== 404) throw error;
    }
    const { data } = await octokit.rest.repos.getBranch({ ...at, branch: baseBranch });
    if (!data.protected) return noProtection;
    const checks = data.protection.required_status_checks;
    const contexts = checks?.contexts;
    // Whether it is strict is not told here, so it counts as not strict. Who may not read the
    // protection is no administrator, so it holds us either way, unless it is off.
    if (contexts === undefined) return undefined;
    const held = checks?.enforcement_level === "off" ? [] : contexts;
    return { contexts, strict: false, ofEverybody: held, ofUsers: held };
  }

  async function deleteOwnBranch(branch: string, sha: string): Promise<void> {
    if ((await readBranch(branch)) !== sha) return;
    await once({
      find: async () => ((await readBranch(branch)) === null ? true : null),
      make: async () => {
        await octokit.rest.git.deleteRef({ ...at, ref: `heads/${branch}` });
        return true;
      },
    });
  }

  /**
   * The commit on the base that holds `sha`: itself after a fast-forward, the merge commit after a
   * merge; null while it has not landed.
   */
  async function landedAs(sha: string): Promise<string | null> {
    const base = await readBase();
    if (base === sha) return sha;
    const known = await orNull(async () => {
      const { data } = await octokit.rest.repos.compareCommitsWithBasehead({
        ...at,
        basehead: `${sha}...${base}`,
      });
      return data;
    });
    // `sha...base` is "ahead" exactly when sha is an ancestor of the base.
    if (known === null || known.status !== "ahead") return null;
    const merge = known.commits.find((commit) =>
      commit.parents.slice(1).some((parent) => parent.sha === sha),
    );
    return merge?.sha ?? sha;
  }
}

function isoSeconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

async function orNull<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    const status = statusOf(error);
    if (status === 404 || status === 422) return null;
    throw error;
  }
}
