import {
  chmodSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { processesWith } from "@jarvis/sandbox/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  discardState,
  postmasterOf,
  spawnKernel,
  startKernelProgram,
  until,
  type KernelProgram,
} from "./testing/kernel-program.ts";
import { goodPatch, plainProject, slowPatch, type TestRepository } from "./testing/repository.ts";

let repository: TestRepository;
let stateDir: string;

beforeAll(() => {
  repository = plainProject();
  stateDir = join(repository.directory, ".jarvis");
});

afterAll(async () => {
  await discardState(stateDir);
  repository.remove();
});

const start = async (args?: readonly string[]): Promise<KernelProgram> =>
  await startKernelProgram({
    repo: repository.directory,
    stateDir,
    ...(args === undefined ? {} : { args }),
  });

const forges = (): number[] => processesWith(join(stateDir, "forge"));

describe("a running kernel", () => {
  it("refuses a second one, which ends 3 and names the first", async () => {
    const kernel = await start();
    const second = await spawnKernel({ repo: repository.directory, stateDir }).ended;
    expect(second.code).toBe(3);
    expect(second.stderr).toContain(`jarvis kernel (pid ${kernel.pid}`);
    expect(JSON.parse(second.stdout)).toMatchObject({ error: { code: "state-directory-locked" } });
    expect(await kernel.get("/api/status")).toMatchObject({ kernel: { pid: kernel.pid } });
    await kernel.stop();
  });

  it("starts a forge again that was killed, and promotes through it", async () => {
    const kernel = await start();
    await kernel.post("/api/mode", { mode: "execute", reason: "test" });
    const [first = 0] = forges();
    process.kill(first, "SIGKILL");
    const runId = await kernel.propose(goodPatch(repository, "afterforge"));
    await until(async () => ((await kernel.outcome(runId)).status === "promoted" ? true : null));
    expect(forges()).not.toContain(first);
    await kernel.stop();
    expect(forges()).toEqual([]);
  });

  it("ends 3 with a sentence where the forge ends again and again", async () => {
    const kernel = await start();
    let isOver = false;
    void kernel.ended.then(() => (isOver = true));
    // Also while it starts: whoever ends it does not wait until it is ready.
    await until(() => {
      try {
        for (const pid of forges()) process.kill(pid, "SIGKILL");
      } catch {
        // One ended between looking and signalling.
      }
      return isOver || null;
    });
    const { code, stderr } = await kernel.ended;
    expect(code).toBe(3);
    expect(stderr).toMatch(/local forge does not keep running.*start Jarvis again/);
    expect(forges()).toEqual([]);
    expect(processesWith(rootOfCluster())).toEqual([]);
  });

  it("ends 3 with a sentence when its database is killed, and continues the run at the next start", async () => {
    const kernel = await start();
    const runId = await kernel.propose(slowPatch(repository, "slow", 400));
    process.kill(postmasterOf(stateDir), "SIGKILL");
    const { code, stderr } = await kernel.ended;
    expect(code).toBe(3);
    expect(stderr).toMatch(/database.*start/is);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(forges()).toEqual([]);
    const again = await start();
    expect(await again.outcome(runId)).toMatchObject({ status: "promoted" });
    await again.stop();
  });

  it("stops in order on SIGTERM in the middle of a run, leaves no process, and continues at the next start", async () => {
    const kernel = await start();
    const runId = await kernel.propose(slowPatch(repository, "sigterm", 400));
    await until(() => processesWith("test/sigterm.test.js")[0] ?? null);
    expect(await kernel.stop()).toMatchObject({ code: 0, stderr: "" });
    expect(processesWith(rootOfCluster())).toEqual([]);
    expect(forges()).toEqual([]);
    expect(processesWith("test/sigterm.test.js")).toEqual([]);
    expect(existsSync(join(stateDir, "kernel.json"))).toBe(false);
    const again = await start();
    expect(await again.outcome(runId)).toMatchObject({ status: "promoted", attempt: 1 });
    await again.stop();
  });

  it.each(["SIGINT", "SIGHUP"] as const)("stops in order on %s", async (signal) => {
    const kernel = await start();
    process.kill(kernel.pid, signal);
    expect(await kernel.ended).toMatchObject({ code: 0, stderr: "" });
    expect(processesWith(rootOfCluster())).toEqual([]);
    expect(forges()).toEqual([]);
  });

  it("stops in order when it is told to while it starts", async () => {
    const { pid, ended } = spawnKernel({ repo: repository.directory, stateDir });
    await until(() => (forges().length > 0 ? true : null));
    process.kill(pid, "SIGTERM");
    expect((await ended).code).toBe(0);
    expect(forges()).toEqual([]);
    expect(processesWith(rootOfCluster())).toEqual([]);
  });

  it("takes the next free port where the wanted one is busy", async () => {
    const busy = createServer();
    await new Promise<void>((resolve) => busy.listen(0, "127.0.0.1", resolve));
    const { port } = busy.address() as AddressInfo;
    const kernel = await start(["--port", String(port)]);
    expect(Number(new URL(kernel.url).port)).toBeGreaterThan(port);
    await kernel.stop();
    busy.close();
  });
});

describe("the token", () => {
  const path = (): string => join(stateDir, "token");
  const restart = async (): Promise<string> => {
    const kernel = await start();
    await kernel.stop();
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    return kernel.token;
  };

  it("stays the same from start to start", async () => {
    expect(await restart()).toBe(await restart());
  });

  it("is replaced where others could have read it", async () => {
    const known = readFileSync(path(), "utf8").trim();
    chmodSync(path(), 0o644);
    expect(await restart()).not.toBe(known);
  });

  it("is replaced where it is a link to a file of somebody's choice", async () => {
    const planted = join(repository.directory, "planted");
    writeFileSync(planted, `${"p".repeat(43)}\n`, { mode: 0o600 });
    rmSync(path());
    symlinkSync(planted, path());
    expect(await restart()).not.toBe("p".repeat(43));
    expect(readFileSync(planted, "utf8")).toBe(`${"p".repeat(43)}\n`);
  });
});

describe("settings that cannot be read end 2 and name the value", () => {
  it.each([
    [["--port", "abc"], {}, /--port \(JARVIS_PORT\).*port number.*got "abc"/],
    [[], { JARVIS_PORT: "70000" }, /JARVIS_PORT.*65535.*got "70000"/],
    [["--prot", "1"], {}, /--prot/],
    [[], { JARVIS_GITHUB_REPOSITORY: "name" }, /JARVIS_GITHUB_REPOSITORY.*owner\/name.*got "name"/],
    [[], { JARVIS_GITHUB_API_URL: "nowhere" }, /JARVIS_GITHUB_API_URL.*URL/],
    [[], { GITHUB_TOKEN: "s3cret" }, /needs both GITHUB_TOKEN and JARVIS_GITHUB_REPOSITORY/],
    [[], { DATABASE_URL: "mysql://u:s3cret@h/d" }, /DATABASE_URL.*could not be read/],
  ])("%j %j", async (args, env, sentence) => {
    const ended = await spawnKernel({ repo: repository.directory, stateDir, args, env }).ended;
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(sentence);
    expect(ended.stderr + ended.stdout).not.toContain("s3cret");
  });

  it("an empty variable is not set", async () => {
    const kernel = await startKernelProgram({
      repo: repository.directory,
      stateDir,
      env: { GITHUB_TOKEN: "", DATABASE_URL: "", JARVIS_GITHUB_REPOSITORY: "" },
    });
    expect((await kernel.stop()).code).toBe(0);
  });

  it("a host that does not answer ends 3 with a sentence", async () => {
    const env = {
      GITHUB_TOKEN: "s3cret",
      JARVIS_GITHUB_REPOSITORY: "o/n",
      JARVIS_GITHUB_API_URL: "http://127.0.0.1:9",
    };
    const ended = await spawnKernel({ repo: repository.directory, stateDir, env }).ended;
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain("The repository host cannot be reached.");
    expect(processesWith(rootOfCluster())).toEqual([]);
  });
});

function rootOfCluster(): string {
  const record = readFileSync(join(stateDir, "postgres", "cluster.json"), "utf8");
  return (JSON.parse(record) as { root: string }).root;
}
