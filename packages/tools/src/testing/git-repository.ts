import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fetchBranch, openMirror, treeOf, type Mirror } from "../self-extension/git/mirror.ts";
import { gitEnvironment, gitText, runGit } from "../self-extension/git/run-git.ts";

/** A person's repository in a temporary directory. */
export interface TestRepository {
  readonly directory: string;
  readonly gitDirectory: string;
  git(...args: string[]): string;
  write(files: Record<string, string | null>): void;
  commit(message: string): string;
  /** A git patch of what changing these files would be; null removes one. The work tree stays as it was. */
  patch(files: Record<string, string | null>): string;
  remove(): void;
}

export function makeRepository(files: Record<string, string>): TestRepository {
  const repository = openRepository(mkdtempSync(join(tmpdir(), "jarvis-repo-")));
  repository.git("init", "-q", "-b", "main");
  repository.write(files);
  repository.commit("First commit");
  return repository;
}

/** A repository that is there already. */
export function openRepository(directory: string): TestRepository {
  const git = (...args: string[]): string =>
    execFileSync("git", ["-C", directory, ...args], {
      encoding: "utf8",
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: directory,
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_AUTHOR_NAME: "Person",
        GIT_AUTHOR_EMAIL: "person@example.com",
        GIT_COMMITTER_NAME: "Person",
        GIT_COMMITTER_EMAIL: "person@example.com",
      },
    });
  const repository: TestRepository = {
    directory,
    gitDirectory: join(directory, ".git"),
    git,
    write(changed) {
      for (const [path, content] of Object.entries(changed)) {
        const target = join(directory, path);
        if (content === null) rmSync(target);
        else {
          mkdirSync(dirname(target), { recursive: true });
          writeFileSync(target, content);
        }
      }
    },
    commit(message) {
      git("add", "-A");
      git("commit", "-q", "-m", message);
      return git("rev-parse", "HEAD").trim();
    },
    patch(changed) {
      this.write(changed);
      git("add", "-A");
      const patch = git("diff", "--cached", "--binary", "HEAD");
      git("reset", "-q", "--hard", "HEAD");
      return patch;
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
  return repository;
}

/** A plain project without any dependency, with tests in node:test. */
export function plainProject(extra: Record<string, string> = {}): TestRepository {
  return makeRepository({
    "package.json": JSON.stringify({ name: "plain", version: "1.0.0", type: "module" }),
    "src/add.js": "export const add = (a, b) => a + b;\n",
    "test/add.test.js": [
      `import assert from "node:assert/strict";`,
      `import test from "node:test";`,
      `import { add } from "../src/add.js";`,
      `test("adds", () => assert.equal(add(1, 2), 3));`,
      "",
    ].join("\n"),
    ...extra,
  });
}

/** A bare mirror of a repository's main branch, as the pipeline keeps one. */
export async function mirrorOf(repository: Pick<TestRepository, "gitDirectory">): Promise<{
  mirror: Mirror;
  sha: string;
  tree: string;
  remove(): void;
}> {
  const directory = mkdtempSync(join(tmpdir(), "jarvis-mirror-"));
  const mirror = await openMirror(join(directory, "mirror.git"));
  const sha = await fetchBranch(
    mirror,
    { url: repository.gitDirectory, authorization: null },
    "main",
  );
  return {
    mirror,
    sha,
    tree: await treeOf(mirror, sha),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Makes a tree from bytes and modes by plumbing alone: what lies in it is exactly what is given. */
export async function treeFrom(
  mirror: Mirror,
  files: readonly { path: string; content: string | Buffer; mode?: string }[],
): Promise<string> {
  const index = { ...gitEnvironment(), GIT_INDEX_FILE: join(mirror.gitDir, "test-index") };
  rmSync(index.GIT_INDEX_FILE, { force: true });
  const entries: string[] = [];
  for (const { path, content, mode = "100644" } of files) {
    const sha = await gitText(["hash-object", "-w", "--stdin"], { ...mirror, input: content });
    entries.push(`${mode} ${sha}\t${path}\0`);
  }
  await runGit(["update-index", "-z", "--index-info"], {
    ...mirror,
    env: index,
    input: entries.join(""),
  });
  return await gitText(["write-tree"], { ...mirror, env: index });
}
