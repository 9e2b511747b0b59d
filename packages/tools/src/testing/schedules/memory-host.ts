import { createHash } from "node:crypto";
import type { GitHubTarget } from "../../self-extension/pipeline-world.ts";
import type { Scheduler } from "./scheduler.ts";

/** How a request may go wrong, as the forge's faults do, and what the base requires. */
export interface HostTroubles {
  /** Whether the base requires the status that only the promotion itself writes. */
  readonly isFenced: boolean;
  /** How often of a hundred a request is answered with 502 and did nothing. */
  readonly refused: number;
  /**
   * How often its answer is lost: before it took effect, or after; and of what moves the base or opens
   * the way to it, also where it takes effect later.
   */
  readonly lost: number;
}

interface Commit {
  readonly tree: string;
  readonly parent: string | null;
}

interface Pull {
  readonly number: number;
  readonly head: string;
  title: string;
  body: string;
  state: "open" | "closed";
}

interface Status {
  readonly id: number;
  readonly context: string;
  readonly state: string;
  readonly description: string | null;
}

export interface MemoryHost {
  readonly github: GitHubTarget;
  /** Makes a commit of somebody; the same facts make the same one. */
  commit(parent: string, label: string): string;
  /** Lets somebody else push one commit to the base. */
  push(label: string): string;
  /** Commits of the base, the newest first. */
  history(): string[];
  /** Requests whose sender heard nothing and that have not arrived yet. */
  onTheirWay(): number;
  readonly pulls: readonly Pull[];
  statusesOf(sha: string): readonly Status[];
  branches(): string[];
}

/**
 * A repository host in memory, as far as promotion speaks to it. Each request is one step, done in
 * its turn and then whole; what goes wrong is chosen by the schedule.
 */
export function memoryHost(scheduler: Scheduler | null, troubles?: HostTroubles): MemoryHost {
  const commits = new Map<string, Commit>();
  const refs = new Map<string, string>();
  const statuses = new Map<string, Status[]>();
  const pulls: Pull[] = [];
  let count = 0;
  let late = 0;
  const isFenced = troubles?.isFenced ?? true;
  const required = ["jarvis/sandbox", ...(isFenced ? ["jarvis/promotion"] : [])];

  const commit = (parent: string | null, label: string): string => {
    const sha = digest(`${parent ?? "root"}:${label}`);
    commits.set(sha, { tree: digest(`tree:${sha}`), parent });
    return sha;
  };
  const root = commit(null, "root");
  refs.set("heads/main", root);

  const ancestry = (sha: string | null): string[] => {
    const found: string[] = [];
    for (let at = sha; at !== null; at = commits.get(at)?.parent ?? null) found.push(at);
    return found;
  };
  const isAncestor = (sha: string, of: string): boolean => ancestry(of).includes(sha);

  /** One request: its turn, what goes wrong with it, and its effect. */
  const request =
    <A, R>(work: (given: A) => R, isChange: boolean) =>
    async (given: A): Promise<{ data: R }> => {
      if (scheduler === null) return await Promise.resolve({ data: work(given) });
      await scheduler.turn();
      const { refused = 0, lost = 0 } = troubles ?? {};
      if (scheduler.chance(refused / 100)) throw refusal(502, "Bad gateway");
      if (!scheduler.chance(lost / 100)) return { data: work(given) };
      if (!isChange) throw new TypeError("fetch failed");
      const fate = scheduler.random();
      if (fate < 0.4) work(given);
      else if (fate < 0.7 && isLanding(given)) void arrive(scheduler, () => work(given));
      throw new TypeError("fetch failed");
    };

  /** Its sender has given up; it takes effect all the same, or is refused. */
  async function arrive(when: Scheduler, work: () => unknown): Promise<void> {
    late += 1;
    for (let turns = when.between(0, 12); turns >= 0; turns -= 1) await when.turn();
    late -= 1;
    try {
      work();
    } catch {
      // Nobody hears of it.
    }
  }

  const newest = (sha: string, context: string): string | undefined =>
    statuses.get(sha)?.find((status) => status.context === context)?.state;

  const host: Omit<MemoryHost, "github"> = {
    commit,
    push(label) {
      const sha = commit(refs.get("heads/main") ?? root, label);
      refs.set("heads/main", sha);
      return sha;
    },
    history: () => ancestry(refs.get("heads/main") ?? root),
    onTheirWay: () => late,
    pulls,
    statusesOf: (sha) => statuses.get(sha) ?? [],
    branches: () => [...refs.keys()].filter((name) => name !== "heads/main"),
  };

  const read = <A, R>(work: (given: A) => R) => request(work, false);
  const change = <A, R>(work: (given: A) => R) => request(work, true);
  const rest = {
    git: {
      getRef: read(({ ref }: { ref: string }) => {
        const sha = refs.get(ref);
        if (sha === undefined) throw refusal(404, "Not Found");
        return { object: { sha } };
      }),
      getCommit: read(({ commit_sha: sha }: { commit_sha: string }) => {
        const found = commits.get(sha);
        if (found === undefined) throw refusal(404, "Not Found");
        return { sha, tree: { sha: found.tree } };
      }),
      createRef: change(({ ref, sha }: { ref: string; sha: string }) => {
        const name = ref.replace(/^refs\//, "");
        if (refs.has(name)) throw refusal(422, "Reference already exists");
        refs.set(name, sha);
        return { object: { sha } };
      }),
      updateRef: change(({ ref, sha }: { ref: string; sha: string }) => {
        const before = refs.get(ref);
        if (before === undefined) throw refusal(422, "Reference does not exist");
        if (before === sha) return { object: { sha } };
        if (!isAncestor(before, sha)) throw refusal(422, "Update is not a fast forward");
        const missing = required.find((context) => newest(sha, context) !== "success");
        if (missing !== undefined) {
          throw refusal(422, `Required status check "${missing}" is failing.`);
        }
        refs.set(ref, sha);
        for (const pull of pulls) if (refs.get(`heads/${pull.head}`) === sha) pull.state = "closed";
        return { object: { sha } };
      }),
      deleteRef: change(({ ref }: { ref: string }) => {
        if (!refs.delete(ref)) throw refusal(422, "Reference does not exist");
        return null;
      }),
    },
    repos: {
      listCommitStatusesForRef: read(({ ref }: { ref: string }) =>
        (statuses.get(ref) ?? []).map((status) => ({ ...status, creator: { id: 1 } })),
      ),
      createCommitStatus: change(
        (given: { sha: string; context: string; state: string; description?: string }) => {
          const { sha, context, state, description } = given;
          const status = { id: (count += 1), context, state, description: description ?? null };
          statuses.set(sha, [status, ...(statuses.get(sha) ?? [])]);
          return { id: status.id };
        },
      ),
      getBranchProtection: read(() => ({
        required_status_checks: { contexts: required, strict: false },
        enforce_admins: { enabled: true },
      })),
      getBranchRules: read(() => []),
      compareCommitsWithBasehead: read(({ basehead }: { basehead: string }) => {
        const [from = "", to = ""] = basehead.split("...");
        if (!commits.has(from)) throw refusal(404, "Not Found");
        const line = ancestry(to);
        const at = line.indexOf(from);
        const between = line.slice(0, Math.max(at, 0)).toReversed();
        const status = at > 0 ? "ahead" : at === 0 ? "identical" : "diverged";
        return {
          status,
          commits: between.map((sha) => ({
            sha,
            parents: [{ sha: commits.get(sha)?.parent ?? "" }],
          })),
        };
      }),
    },
    pulls: {
      list: read(({ head }: { head: string }) =>
        pulls
          .filter((pull) => `local:${pull.head}` === head)
          .toReversed()
          .map((pull) => describe(pull)),
      ),
      create: change(({ head, title, body }: { head: string; title: string; body: string }) => {
        if (!refs.has(`heads/${head}`)) throw refusal(422, "Validation Failed: head");
        if (pulls.some((pull) => pull.head === head && pull.state === "open")) {
          throw refusal(422, "A pull request already exists");
        }
        const pull: Pull = { number: pulls.length + 1, head, title, body, state: "open" };
        pulls.push(pull);
        return describe(pull);
      }),
      update: change(
        (given: { pull_number: number; state?: "open" | "closed"; title?: string }) => {
          const pull = pulls.find(({ number }) => number === given.pull_number);
          if (pull === undefined) throw refusal(404, "Not Found");
          pull.state = given.state ?? pull.state;
          pull.title = given.title ?? pull.title;
          return describe(pull);
        },
      ),
    },
  };
  // Everything is on the first page.
  type Ask<G> = (given: G) => Promise<{ data: unknown }>;
  const paginate = Object.assign(
    async <G>(ask: Ask<G>, given: G) => (await ask(given)).data,
    // All in one page.
    {
      async *iterator<G>(ask: Ask<G>, given: G) {
        yield await ask(given);
      },
    },
  );
  const github = {
    octokit: { rest, paginate },
    owner: "local",
    repo: "project",
    baseBranch: "main",
    gitUrl: "",
    gitAuthorization: async () => await Promise.resolve(null),
    whoAmI: async () => await Promise.resolve({ id: 1, login: "jarvis" }),
    appPermissions: async () => await Promise.resolve([]),
    // What promotion calls of an Octokit is all there is; the suite of the ports holds it to the forge.
  } as unknown as GitHubTarget;
  return Object.assign(host, { github });
}

/** A request that moves the base, or opens the fence of what is about to. */
function isLanding(given: unknown): boolean {
  const { ref, context } = given as { ref?: string; context?: string };
  return ref === "heads/main" || context === "jarvis/promotion";
}

function describe({ number, head, title, body, state }: Pull) {
  return { number, title, body, state, html_url: `memory:${number}`, head: { ref: head } };
}

/** As Octokit throws what a host answered. */
function refusal(status: number, message: string): Error {
  return Object.assign(new Error(message), {
    status,
    response: { headers: {}, data: { message } },
  });
}

function digest(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}
