import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { removeTree } from "@jarvis/sandbox/testing";

// Of maintenance a commit would start another git each time, which finds nothing to do.
const settings = ["-c", "safe.directory=*", "-c", "maintenance.auto=false"];

/** A person's repository, mostly in a temporary directory. */
export interface TestRepository {
  readonly directory: string;
  readonly gitDirectory: string;
  readonly git: (...args: string[]) => string;
  /** Writes files of the work tree; null removes one. */
  readonly write: (files: Record<string, string | null>) => void;
  readonly commit: (message: string) => string;
  /** A git patch of what writing these files would be. The work tree stays as it was. */
  readonly patch: (files: Record<string, string | null>) => string;
  /** Removes what was made for it; nothing where the directory was there before. */
  readonly remove: () => void;
}

/** A new repository with one commit. `name` is what its directory is called. */
export function makeRepository(
  files: Record<string, string>,
  { name = "project" }: { name?: string } = {},
): TestRepository {
  const root = mkdtempSync(join(tmpdir(), "jarvis-repo-"));
  const repository = openRepository(join(root, name), () => removeTree(root));
  repository.git("init", "-q", "-b", "main");
  repository.write(files);
  repository.commit("First commit");
  return repository;
}

/** Files of a plain project without any dependency, with a test in node:test. */
export const plainFiles: Record<string, string> = {
  "package.json": JSON.stringify({ name: "plain", version: "1.0.0", type: "module" }),
  "src/add.js": "export const add = (a, b) => a + b;\n",
  "test/add.test.js": [
    `import assert from "node:assert/strict";`,
    `import test from "node:test";`,
    `import { add } from "../src/add.js";`,
    `test("adds", () => assert.equal(add(1, 2), 3));`,
    "",
  ].join("\n"),
};

/** A directory in which git works as a person's does, wherever it came from. */
export function openRepository(
  directory: string,
  remove: () => void = () => undefined,
): TestRepository {
  mkdirSync(directory, { recursive: true });
  const git = (...args: string[]): string =>
    execFileSync("git", ["-C", directory, ...settings, ...args], {
      encoding: "utf8",
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: "/nonexistent",
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
    write(files) {
      for (const [path, content] of Object.entries(files)) {
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
    patch(files) {
      repository.write(files);
      git("add", "-A");
      const patch = git("diff", "--cached", "--binary", "HEAD");
      git("reset", "-q", "--hard", "HEAD");
      return patch;
    },
    remove,
  };
  return repository;
}
