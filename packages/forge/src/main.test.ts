import { execFile, spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { readFile, rm, stat } from "node:fs/promises";
import { createInterface } from "node:readline";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { afterAll, afterEach, beforeAll, expect, it } from "vitest";

import { git, makeSeed, octokitFor, refusal, temporaryDirectory } from "./testing/forge-world.ts";
import { orderFault } from "./testing/order-fault.ts";
import { validateAgainstGitHub, type ObservedContract } from "./testing/octokit-contract.ts";

const packageDirectory = join(dirname(fileURLToPath(import.meta.url)), "..");
const program = join(packageDirectory, "dist", "main.js");
const repo = { owner: "local", repo: "jarvis" };

let root: string;
let seedCommit: string;
const children: ChildProcessWithoutNullStreams[] = [];
const contracts: ObservedContract[] = [];
afterEach(() => {
  // These forges run in processes of their own, where nobody else looks.
  const found = contracts.splice(0).flatMap(({ violations }) => violations);
  if (found.length > 0) throw new Error(`not as GitHub describes it:\n${found.join("\n")}`);
});
beforeAll(async () => {
  root = await temporaryDirectory();
  seedCommit = await makeSeed(join(root, "seed"));
  const compiler = join(packageDirectory, "node_modules", "typescript", "bin", "tsc");
  await promisify(execFile)(process.execPath, [compiler, "-b"], { cwd: packageDirectory });
});
afterAll(async () => {
  for (const child of children) if (child.exitCode === null) child.kill("SIGKILL");
  await rm(root, { recursive: true, force: true });
});

it("prints the facts and no token, and ends when its standard input closes", async () => {
  const { child, facts, exited } = await start(join(root, "stdin"));
  const token = (await readFile(facts.tokenFile, "utf8")).trim();
  expect(JSON.stringify(facts)).not.toContain(token);
  expect(facts.controlUrl).toBeUndefined();
  expect(facts).toMatchObject({ cloneUrl: `http://127.0.0.1:${facts.port}/local/jarvis.git` });
  const { data } = await connect(facts, token).repos.get(repo);
  expect(data.default_branch).toBe("main");
  child.stdin.end();
  expect(await exited).toBe(0);
  await expect(stat(join(root, "stdin", "lock"))).rejects.toThrow("ENOENT");
});

it("ends in order on SIGTERM", async () => {
  const { child, exited } = await start(join(root, "sigterm"));
  child.kill("SIGTERM");
  expect(await exited).toBe(0);
});

it("is consistent after kill -9 in the middle of changes, at the same address", async () => {
  const directory = join(root, "killed");
  const bare = join(directory, "repository.git");
  let url: string | undefined;
  // Into the merge: while it is decided, announced, landed, answered.
  for (const delayMs of [10, 25, 40, 60, 90]) {
    const { child, facts, exited } = await start(directory);
    url ??= facts.apiUrl;
    expect(facts.apiUrl).toBe(url);
    const token = (await readFile(facts.tokenFile, "utf8")).trim();
    const octokit = connect(facts, token);
    const main = (await octokit.git.getRef({ ...repo, ref: "heads/main" })).data.object.sha;
    const name = `killed-after-${delayMs}-ms`;
    const tree = await octokit.git.createTree({
      ...repo,
      base_tree: main,
      tree: [{ path: `${name}.txt`, mode: "100644", type: "blob", content: name }],
    });
    const commit = await octokit.git.createCommit({
      ...repo,
      message: name,
      tree: tree.data.sha,
      parents: [main],
    });
    const { sha } = commit.data;
    await octokit.git.createRef({ ...repo, ref: `refs/heads/${name}`, sha });
    await octokit.repos.createCommitStatus({ ...repo, sha, state: "success", context: "ci" });
    const { data } = await octokit.pulls.create({ ...repo, title: name, head: name, base: "main" });
    const merge = { ...repo, pull_number: data.number, sha, merge_method: "squash" } as const;
    setTimeout(() => child.kill("SIGKILL"), delayMs);
    await Promise.allSettled([octokit.pulls.merge(merge)]);
    await exited;
  }
  const { child, facts, exited } = await start(directory);
  const token = (await readFile(facts.tokenFile, "utf8")).trim();
  const octokit = connect(facts, token);
  const pulls = await octokit.paginate(octokit.pulls.list, { ...repo, state: "all" });
  expect(pulls.map(({ number }) => number)).toEqual([5, 4, 3, 2, 1]);
  for (const pull of pulls) {
    // Merged says the pull request exactly when its file is on the base.
    const onBase = await octokit.repos
      .getContent({ ...repo, path: `${pull.title}.txt` })
      .then(() => true)
      .catch(() => false);
    expect([pull.title, pull.merged_at !== null]).toEqual([pull.title, onBase]);
  }
  expect(await git(bare, "fsck", "--strict", "--no-dangling")).toBe("");
  // And it goes on.
  const tag = octokit.git.createRef({ ...repo, ref: "refs/heads/after", sha: seedCommit });
  expect((await tag).status).toBe(201);
  expect((await refusal(octokit.pulls.get({ ...repo, pull_number: 9_999 }))).status).toBe(404);
  child.stdin.end();
  expect(await exited).toBe(0);
});

it("opens the control route and sets the limits where it is told to", async () => {
  const options = ["--faults", "--requests-per-hour", "7"];
  const { child, facts, exited } = await start(join(root, "options"), options);
  expect(facts.controlUrl).toBe(`http://127.0.0.1:${facts.port}/__control/faults`);
  const operatorToken = (await readFile(facts.operatorTokenFile, "utf8")).trim();
  const match = { operation: "repos/get" };
  const fault = { kind: "error", when: "before", status: 504 } as const;
  await orderFault({ controlUrl: facts.controlUrl, operatorToken }, { match, fault });
  const octokit = connect(facts, (await readFile(facts.tokenFile, "utf8")).trim());
  expect((await refusal(octokit.repos.get(repo))).status).toBe(504);
  expect((await octokit.repos.get(repo)).headers["x-ratelimit-limit"]).toBe("7");
  child.stdin.end();
  expect(await exited).toBe(0);
});

it.each([
  [["--help"], 0, "stdout", "Usage: jarvis-forge"],
  [["--nonsense"], 2, "stderr", "--nonsense"],
  [["--directory", "x"], 2, "stderr", "--owner"],
  [["--directory", "x", "--owner", "a/b", "--repository", "r"], 2, "stderr", "--owner: may hold"],
  [
    ["--directory", "x", "--owner", "o", "--repository", "r", "--seed-commit", "a"],
    2,
    "stderr",
    "belong together",
  ],
] as const)("answers %j with exit %i", async (args, code, stream, text) => {
  const child = spawn(process.execPath, [program, ...args], { cwd: root });
  children.push(child);
  let output = "";
  child[stream].on("data", (chunk: Buffer) => (output += chunk.toString()));
  expect((await once(child, "close"))[0]).toBe(code);
  expect(output).toContain(text);
});

it("says in one sentence why it cannot start", async () => {
  const { child, exited } = await start(join(root, "twice"));
  const second = launch(join(root, "twice"));
  let output = "";
  second.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  expect((await once(second, "close"))[0]).toBe(1);
  expect(output).toMatch(
    /^The forge could not start: Another forge \(process \d+\) serves .*\.\n$/u,
  );
  child.stdin.end();
  await exited;
});

interface Facts {
  apiUrl: string;
  cloneUrl: string;
  tokenFile: string;
  operatorTokenFile: string;
  controlUrl?: string;
  port: number;
}

function connect(facts: Facts, token: string) {
  const octokit = octokitFor(facts, token);
  contracts.push(validateAgainstGitHub(octokit));
  return octokit;
}

function launch(directory: string, options: string[] = []): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [
    program,
    "--directory",
    directory,
    "--owner",
    "local",
    "--repository",
    "jarvis",
    "--seed-git-dir",
    join(root, "seed", ".git"),
    "--seed-commit",
    seedCommit,
    "--required-status",
    "ci",
    ...options,
  ]);
  children.push(child);
  return child;
}

async function start(directory: string, options: string[] = []) {
  const child = launch(directory, options);
  const exited = once(child, "close").then(([code]) => code as number | null);
  const lines = createInterface({ input: child.stdout });
  const [line] = (await once(lines, "line")) as [string];
  return { child, exited, facts: JSON.parse(line) as Facts };
}
