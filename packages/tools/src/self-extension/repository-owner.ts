import { z } from "zod";
import { statusOf } from "./host-problem.ts";
import { once } from "./once.ts";
import type { GitHubTarget } from "./pipeline-world.ts";

/**
 * Which instance promotes to a repository is said on the host: the highest number below
 * `refs/jarvis/owner/` names a commit whose file `owner.json` holds the instance. Numbers are only
 * added, and the host makes a ref once: of two instances that take the same number one loses, and
 * who owned the repository when stays readable. It keeps two honest installations apart. Who may
 * write to the repository can write this too; SECURITY.md says what follows from that.
 */
const NAMESPACE = "jarvis/owner/";
const FILE = "owner.json";

const content = z.object({ instance: z.string().max(100) });

export interface OwnerMarker {
  readonly number: number;
  readonly sha: string;
}

/** The marker that counts; null where nobody has said anything yet. */
export async function readMarker(github: GitHubTarget): Promise<OwnerMarker | null> {
  const { octokit, owner, repo } = github;
  const refs = await octokit.paginate(octokit.rest.git.listMatchingRefs, {
    owner,
    repo,
    ref: NAMESPACE,
  });
  const markers = refs.flatMap(({ ref, object }) => {
    const number = /^refs\/jarvis\/owner\/([1-9]\d{0,14})$/.exec(ref)?.[1];
    return number === undefined ? [] : [{ number: Number(number), sha: object.sha }];
  });
  return markers.toSorted((a, b) => b.number - a.number)[0] ?? null;
}

/** The instance that a marker names; null where it cannot be read, which is somebody else. */
export async function ownerOf(github: GitHubTarget, sha: string): Promise<string | null> {
  const { octokit, owner, repo } = github;
  try {
    const { data } = await octokit.rest.repos.getContent({ owner, repo, path: FILE, ref: sha });
    if (Array.isArray(data) || !("content" in data)) return null;
    const text = Buffer.from(data.content, "base64").toString("utf8");
    return content.parse(JSON.parse(text)).instance;
  } catch (error) {
    const status = statusOf(error);
    if (status === 404 || error instanceof SyntaxError || error instanceof z.ZodError) return null;
    throw error;
  }
}

/** Adds the marker with this number; answers the one that stands there, which may be another's. */
export async function addMarker(
  github: GitHubTarget,
  number: number,
  instance: string,
): Promise<OwnerMarker> {
  const { octokit, owner, repo } = github;
  const at = { owner, repo };
  return await once({
    find: async () => {
      const found = await readMarker(github);
      return found !== null && found.number >= number ? found : null;
    },
    make: async () => {
      const tree = await octokit.rest.git.createTree({
        ...at,
        tree: [
          {
            path: FILE,
            mode: "100644",
            type: "blob",
            content: `${JSON.stringify({ instance })}\n`,
          },
        ],
      });
      const commit = await octokit.rest.git.createCommit({
        ...at,
        message: "Say which instance of Jarvis promotes here\n",
        tree: tree.data.sha,
        parents: [],
      });
      const { data } = await octokit.rest.git.createRef({
        ...at,
        ref: `refs/${NAMESPACE}${number}`,
        sha: commit.data.sha,
      });
      return { number, sha: data.object.sha };
    },
  });
}
