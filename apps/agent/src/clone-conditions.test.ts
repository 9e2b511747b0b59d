import { execFileSync } from "node:child_process";
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prepareTestState } from "@jarvis/db/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { inspectRepository } from "./kernel/guarded-repository.ts";
import {
  discardState,
  spawnKernel,
  startKernelProgram,
  type KernelProgram,
} from "./testing/kernel-program.ts";
import { openRepository, plainProject, type TestRepository } from "./testing/repository.ts";

interface Status {
  readonly repository: { head: string; branch: string | null; uncommitted: string[] };
  readonly base: { lastSeen: string };
  readonly host: { cloneUrl: string };
}

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "jarvis-clone-"));
});
afterEach(() => {
  rmSync(scratch, { recursive: true, force: true });
});

describe("a kernel starts on a clone that", () => {
  it("is dirty: what is uncommitted is named and not part of the base", async () => {
    await withKernel(
      plainProject(),
      async (kernel, repository) => {
        const { repository: found, base } = await kernel.get<Status>("/api/status");
        expect(found.uncommitted.toSorted()).toEqual(["new file.txt", "src/add.js"]);
        expect(base.lastSeen).toBe(repository.git("rev-parse", "HEAD").trim());
        expect(baseFile(base.lastSeen, "src/add.js")).toContain("a + b");
        // And the state directory in it is nobody's uncommitted work.
        expect(repository.git("status", "--porcelain")).not.toContain(".jarvis");
      },
      dirty,
    );
  });

  it("is detached, under a path with spaces and quotes, owned by another user, without an identity", async () => {
    const repository = plainProject({ name: `it's a "quoted" pläce` });
    await withKernel(
      repository,
      async (kernel) => {
        const status = await kernel.get<Status>("/api/status");
        const head = repository.git("rev-parse", "HEAD").trim();
        expect(status.repository).toMatchObject({ head, branch: null, uncommitted: [] });
        expect(status.base.lastSeen).toBe(head);
      },
      () => {
        repository.git("checkout", "-q", "--detach");
        // Only root can give a file away; for others the rest of it is shown.
        if (process.getuid?.() !== 0) return;
        execFileSync("chown", ["-R", "12345:12345", join(repository.directory, ".git")]);
        chownSync(repository.directory, 12345, 12345);
      },
    );
  });

  it("is shallow: its tree is seeded as one parentless commit that names the original", async () => {
    const origin = plainProject();
    origin.write({ "second.txt": "2\n" });
    origin.commit("Second commit");
    execFileSync("git", [
      "clone",
      "-q",
      "--depth=1",
      `file://${origin.directory}`,
      join(scratch, "shallow"),
    ]);
    origin.remove();
    const repository = openRepository(join(scratch, "shallow"));
    await withKernel(repository, async (kernel) => {
      const { base, repository: found } = await kernel.get<Status>("/api/status");
      expect(base.lastSeen).not.toBe(found.head);
      const commit = mirrorGit("cat-file", "commit", base.lastSeen);
      expect(commit).toContain(`tree ${repository.git("rev-parse", "HEAD^{tree}").trim()}`);
      expect(commit).not.toMatch(/^parent /m);
      expect(commit).toContain(`Seeded-From: ${found.head}`);
    });
  });
});

describe("a kernel does not start, ends 2 and names the command that helps", () => {
  it.each([
    ["without .git", () => undefined, "git init && git add -A && git commit"],
    [
      "in a repository without a commit",
      () => void execFileSync("git", ["init", "-q", scratch]),
      'git add -A && git commit -m "First commit"',
    ],
    [
      "where no stages are known",
      () => void commitAll({ "main.py": "print()\n" }),
      "add a jarvis.config.json",
    ],
    [
      "where jarvis.config.json of the base is wrong",
      () => void commitAll({ "jarvis.config.json": '{"version":7,"stages":[]}' }),
      /jarvis\.config\.json is not valid: version: .*expected 1/,
    ],
  ])("%s", async (_, arrange, sentence) => {
    arrange();
    const stateDir = join(scratch, ".jarvis");
    await prepareTestState(stateDir);
    const { code, stderr, stdout } = await spawnKernel({ repo: scratch, stateDir }).ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(JSON.parse(stdout)).toMatchObject({ ready: false, exitCode: 2 });
    await discardState(stateDir);
  });

  it("and starts once the base is mended: nothing of the wrong one was kept", async () => {
    const repository = commitAll({ "jarvis.config.json": "{" });
    const stateDir = join(scratch, ".jarvis");
    await prepareTestState(stateDir);
    expect((await spawnKernel({ repo: scratch, stateDir }).ended).code).toBe(2);
    repository.git("rm", "-q", "jarvis.config.json");
    repository.write({ "package.json": "{}" });
    const mended = repository.commit("Mend");
    await withKernel(repository, async (kernel) => {
      expect((await kernel.get<Status>("/api/status")).base.lastSeen).toBe(mended);
    });
  });
});

describe("looking at a clone", () => {
  it("never runs a program that its configuration names", async () => {
    const repository = plainProject();
    const trace = join(scratch, "ran");
    const program = join(scratch, "program.sh");
    writeFileSync(program, `#!/bin/sh\ntouch '${trace}'\ncat\n`, { mode: 0o755 });
    repository.git("config", "filter.evil.clean", program);
    repository.git("config", "core.fsmonitor", program);
    const before = readFileSync(join(repository.directory, "src/add.js"), "utf8");
    repository.write({
      ".gitattributes": "* filter=evil\n",
      "src/add.js": before.replace("+", "-"),
    });
    // git filters a file again only if its size is the one it knows and its time is not.
    utimesSync(join(repository.directory, "src/add.js"), 1, 1);
    const found = await inspectRepository(
      repository.directory,
      join(repository.directory, ".jarvis"),
    );
    expect(found.uncommitted.toSorted()).toEqual([".gitattributes", "src/add.js"]);
    expect(existsSync(trace)).toBe(false);
    // The trap works: git itself walks into it.
    repository.git("-c", "core.fsmonitor=false", "status", "--porcelain");
    expect(existsSync(trace)).toBe(true);
    repository.remove();
  });

  it("names both paths of a rename, and nothing that the clone ignores", async () => {
    const repository = plainProject();
    repository.git("mv", "src/add.js", "src/sum.js");
    writeFileSync(join(repository.directory, ".git", "info", "exclude"), "ignored\n");
    repository.write({ ignored: "" });
    const found = await inspectRepository(repository.directory, "/nowhere");
    expect(found.uncommitted).toEqual(["src/sum.js", "src/add.js"]);
    repository.remove();
  });

  it("means the whole repository by a subdirectory", async () => {
    const repository = plainProject();
    const found = await inspectRepository(join(repository.directory, "src"), "/nowhere");
    expect(found.directory).toBe(repository.directory);
    repository.remove();
  });

  it("finds the objects of a linked work tree", async () => {
    const repository = plainProject();
    const linked = join(scratch, "linked");
    repository.git("worktree", "add", "-q", linked);
    const found = await inspectRepository(linked, "/nowhere");
    expect(found).toMatchObject({ directory: linked, branch: "linked", uncommitted: [] });
    expect(found.gitDirectory).toBe(join(repository.directory, ".git"));
    repository.remove();
  });
});

function dirty(repository: TestRepository): void {
  repository.write({ "src/add.js": "export const add = 0;\n", "new file.txt": "new\n" });
}

async function withKernel(
  repository: TestRepository,
  look: (kernel: KernelProgram, repository: TestRepository) => Promise<void>,
  arrange: (repository: TestRepository) => void = () => undefined,
): Promise<void> {
  arrange(repository);
  stateDirectory = join(repository.directory, ".jarvis");
  const kernel = await startKernelProgram({ repo: repository.directory, stateDir: stateDirectory });
  try {
    await look(kernel, repository);
  } finally {
    await kernel.stop();
    await discardState(stateDirectory);
    repository.remove();
  }
}

let stateDirectory: string;

function mirrorGit(...args: string[]): string {
  return execFileSync("git", ["--git-dir", join(stateDirectory, "mirror.git"), ...args], {
    encoding: "utf8",
  });
}

function baseFile(sha: string, path: string): string {
  return mirrorGit("show", `${sha}:${path}`);
}

function commitAll(files: Record<string, string>): TestRepository {
  const repository = openRepository(scratch);
  repository.git("init", "-q", "-b", "main");
  repository.write(files);
  repository.commit("First commit");
  return repository;
}
