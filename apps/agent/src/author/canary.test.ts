import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { queryReadOnly } from "@jarvis/db";
import { startInSandbox } from "@jarvis/sandbox";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { KERNEL_QUERY, type Json } from "../body/protocol.ts";
import type { StartInSandbox } from "../kernel/body/session.ts";
import { readModelConfig } from "../kernel/model/model-config.ts";
import { sdkModel } from "../kernel/model/sdk-model.ts";
import { releaseOfWorkingTree } from "../testing/body-release.ts";
import { keepForTest } from "../testing/kept-body.ts";
import { startModelHost } from "../testing/model-host.ts";

const CANARY = "canary-5f2d8c71";
const NAMES = ["JARVIS_MODEL_KEY", "GITHUB_TOKEN", "DATABASE_URL", "ANTHROPIC_API_KEY"];
const never = new AbortController().signal;
const directory = mkdtempSync(join(tmpdir(), "jarvis-canary-"));

beforeAll(() => {
  for (const name of NAMES) process.env[name] = `${CANARY}-${name}`;
  writeFileSync(join(directory, "key"), `${CANARY}-file`);
});

afterAll(() => {
  for (const name of NAMES) delete process.env[name];
  rmSync(directory, { recursive: true });
});

it("no variable, argument, file or message that a body can see holds a credential, while the kernel uses them", async () => {
  const host = await startModelHost([{ text: "no calls" }]);
  onTestFinished(async () => await host.close());
  const config = readModelConfig(
    {
      model: "anthropic/scripted",
      baseUrl: host.baseUrl,
      key: undefined,
      keyFile: join(directory, "key"),
      price: undefined,
      budget: undefined,
      record: undefined,
      maxOutputTokens: undefined,
      attempts: undefined,
    },
    "/",
  );
  if (config === null) throw new Error("no model");
  const model = sdkModel(config);
  const messages: string[] = [];
  const { keeper, reports } = keepForTest({
    release: releaseOfWorkingTree(),
    run: listening(messages),
    requests: {
      async ask({ tool }) {
        if (tool === KERNEL_QUERY) {
          const url = `postgresql://reader:${CANARY}-database@127.0.0.1:1/shop`;
          const limits = { timeMs: 5_000, rows: 1, bytes: 1_000 };
          const asked = queryReadOnly(url, "select 1", limits, never);
          return { outcome: "unavailable", reason: await asked.then(() => "answered", String) };
        }
        const parts = [{ text: "hello" }];
        const request = { system: "", tools: [], maxOutputTokens: 100 };
        const { text } = await model.ask(
          { ...request, messages: [{ role: "user", parts }] },
          never,
        );
        return { outcome: "completed", output: { text } };
      },
    },
  });
  expect(await keeper.ready()).toBe(true);
  keeper.giveGoal({ id: "g1", text: "a goal" });
  await expect.poll(() => reports.length, { timeout: 20_000 }).toBe(1);
  // The key was used, so there was something to be found.
  expect(host.heard[0]?.headers["x-api-key"]).toBe(`${CANARY}-file`);

  // A database that cannot be reached is told of without the way to it.
  expect(await keeper.perform("sql-query", { database: "shop", query: "select 1" })).toMatchObject({
    error: { message: expect.stringContaining("ECONNREFUSED") as string },
  });

  // The body looks for itself: every process that it sees, and every file that it may read.
  const look = [
    `cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'`,
    // Split, so that the search does not find itself.
    `grep -rIsl "canary-""5f2d8c71" /ws /tmp /etc /home /root /var /run /data /dev/shm 2>/dev/null`,
    "true",
  ].join("; ");
  const found = await keeper.perform("shell", { command: look, timeoutMs: 25_000 } satisfies Json);
  if (!found.ok) throw new Error(found.error.message);
  const { stdout } = found.output as { stdout: string };
  expect(stdout).toContain("PATH=");
  expect(stdout.replaceAll(look, "")).not.toContain(CANARY);
  expect(messages.length).toBeGreaterThan(3);
  expect(messages.filter((line) => line.includes(CANARY))).toEqual([]);
});

/** The sandbox as it is, with both directions of the channel written down. */
function listening(messages: string[]): StartInSandbox {
  return async (request) => {
    const started = await startInSandbox({
      ...request,
      onLine(line) {
        messages.push(line);
        request.onLine(line);
      },
    });
    if (!started.started) return started;
    const { process: running } = started;
    return {
      ...started,
      process: {
        pid: running.pid,
        ended: running.ended,
        kill: async () => await running.kill(),
        memoryBytes: () => running.memoryBytes(),
        stderrTail: () => running.stderrTail(),
        send(line) {
          messages.push(line);
          return running.send(line);
        },
      },
    };
  };
}
