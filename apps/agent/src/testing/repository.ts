import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A person's repository in a temporary directory. */
export interface TestRepository {
  readonly directory: string;
  git(...args: string[]): string;
  write(files: Record<string, string>): void;
  commit(message: string): string;
  /** A git patch of what writing these files would be. The work tree stays as it was. */
  patch(files: Record<string, string>): string;
  remove(): void;
}

/** A plain project without any dependency, with a test in node:test. */
export function plainProject(options: { name?: string } = {}): TestRepository {
  const root = mkdtempSync(join(tmpdir(), "jarvis-agent-test-"));
  const repository = openRepository(join(root, options.name ?? "project"), () =>
    rmSync(root, { recursive: true, force: true }),
  );
  repository.git("init", "-q", "-b", "main");
  repository.write({
    "package.json": JSON.stringify({ name: "plain", version: "1.0.0", type: "module" }),
    "src/add.js": "export const add = (a, b) => a + b;\n",
    "test/add.test.js": [
      `import assert from "node:assert/strict";`,
      `import test from "node:test";`,
      `import { add } from "../src/add.js";`,
      `test("adds", () => assert.equal(add(1, 2), 3));`,
      "",
    ].join("\n"),
  });
  repository.commit("First commit");
  return repository;
}

export function openRepository(directory: string, remove: () => void): TestRepository {
  mkdirSync(directory, { recursive: true });
  const git = (...args: string[]): string =>
    execFileSync("git", ["-C", directory, "-c", "safe.directory=*", ...args], {
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
    git,
    write(files) {
      for (const [path, content] of Object.entries(files)) {
        const target = join(directory, path);
        mkdirSync(dirname(target), { recursive: true });
        writeFileSync(target, content);
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
      const patch = git("diff", "--cached", "HEAD");
      git("reset", "-q", "--hard", "HEAD");
      return patch;
    },
    remove,
  };
  return repository;
}

/** A module of its own, so that changes do not collide. */
export function goodPatch(repository: TestRepository, name: string): string {
  return repository.patch({ [`src/${name}.js`]: `export const ${name} = (a) => a;\n` });
}

/** A test beside a module, whose test takes so long: time to be killed in. */
export function slowPatch(repository: TestRepository, name: string, ms: number): string {
  return repository.patch({
    [`src/${name}.js`]: `export const ${name} = (a) => a;\n`,
    [`test/${name}.test.js`]: `import test from "node:test";\ntest("${name}", () => new Promise((done) => setTimeout(done, ${ms})));\n`,
  });
}
