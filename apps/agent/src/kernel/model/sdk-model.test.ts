import { setTimeout as sleep } from "node:timers/promises";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { startModelHost, type ModelHost, type Turn } from "../../testing/model-host.ts";
import { readModelConfig, type ModelConfig } from "./model-config.ts";
import { ModelError, type ModelPort, type ModelRequest } from "./model-port.ts";
import { patientModel } from "./patient-model.ts";
import { sdkModel } from "./sdk-model.ts";

/** Of no form that is known to be a secret's. */
const KEY = "sk-canary.of-no-known/form";
const providers = ["openai-compatible", "anthropic", "openai"] as const;
const request: ModelRequest = {
  system: "be brief",
  messages: [{ role: "user", parts: [{ text: "hello" }] }],
  tools: [
    {
      name: "look",
      description: "looks",
      inputSchema: { type: "object", properties: { path: { type: "string" } } },
    },
  ],
  maxOutputTokens: 1000,
};

describe.each(providers)("a model of %s", (provider) => {
  it("streams its text and what it asks to be called, and says what that took", async () => {
    const usage = { input: 12, output: 7 };
    const call = { tool: "look", input: { path: "a" } };
    const { model, host } = await modelWith(provider, [{ text: "I look.", calls: [call], usage }]);
    const answer = await model.ask(request, never());
    expect(answer).toMatchObject({
      text: "I look.",
      calls: [{ tool: "look", input: { path: "a" }, problem: null }],
      finish: "calls",
      usage: { inputTokens: 12, outputTokens: 7 },
    });
    const sent = JSON.stringify(host.heard[0]?.body);
    for (const part of ["be brief", "hello", "look"]) expect(sent).toContain(part);
    // The key travels in a header and nowhere else.
    expect(sent).not.toContain("sk-canary");
    expect(JSON.stringify(host.heard[0]?.headers)).toContain("sk-canary");
  });

  it("whose host repeats the key is not believed to have said it", async () => {
    const leak = `no such key: ${KEY}`;
    const { model } = await modelWith(provider, [
      { text: `It is ${KEY}.`, calls: [{ tool: "look", input: { path: KEY } }] },
      { status: 400, body: { error: { message: leak, type: "invalid_request_error" } } },
    ]);
    const answer = await model.ask(request, never());
    expect(answer).toMatchObject({
      text: "It is [the model's key].",
      calls: [{ input: { path: "[the model's key]" } }],
    });
    const refused = await failure(model);
    expect(refused.message).toContain("no such key: [the model's key]");
    expect(refused.message).not.toContain(KEY);
  });

  it("is told what it asked before and what that gave", async () => {
    const { model, host } = await modelWith(provider, [{ text: "done" }]);
    const call = { id: "call1", tool: "look", input: { path: "a" }, problem: null };
    const answers = [{ callId: "call1", tool: "look", parts: [{ text: "found it" }] }];
    await model.ask(
      {
        ...request,
        messages: [
          ...request.messages,
          { role: "assistant", text: "", calls: [call] },
          { role: "tool", answers },
        ],
      },
      never(),
    );
    const { messages, input } = host.heard[0]?.body ?? {};
    expect(JSON.stringify(messages ?? input)).toMatch(/call1.*found it/);
  });

  it("that sends arguments which are no JSON is heard, and the problem is named", async () => {
    const broken = { tool: "look", input: '{"path": "a' };
    const unknown = { tool: "no_such_tool", input: { a: 1 } };
    const { model } = await modelWith(provider, [{ calls: [broken, unknown] }]);
    const { calls } = await model.ask(request, never());
    expect(calls).toMatchObject([
      { tool: "look", input: {}, problem: "the arguments are no JSON object" },
      { tool: "no_such_tool", input: { a: 1 }, problem: null },
    ]);
  });

  it("whose host withholds the answer, or cuts it at the limit, says so", async () => {
    const { model } = await modelWith(provider, [
      { text: "", finish: "content-filter" },
      { text: "half a sent", finish: "length" },
    ]);
    expect((await model.ask(request, never())).finish).toBe("filtered");
    expect((await model.ask(request, never())).finish).toBe("length");
  });

  it.each([
    [429, { "retry-after": "2" }, "rate-limited", 2000],
    [529, { "retry-after-ms": "70" }, "overloaded", 70],
    [503, {}, "overloaded", null],
    [401, {}, "unauthorised", null],
    [400, {}, "refused", null],
  ] as const)(
    "that answers %i with %j fails as %s",
    async (status, headers, code, retryAfterMs) => {
      const { model, host } = await modelWith(provider, [{ status, headers }]);
      await expect(model.ask(request, never())).rejects.toMatchObject({ code, retryAfterMs });
      // Who repeats is who counts.
      expect(host.heard).toHaveLength(1);
    },
  );

  it("whose stream ends early or stands still is cut or silent, and what came is counted", async () => {
    const { model } = await modelWith(
      provider,
      [
        { text: "some words", cut: true },
        { text: "some words", hangs: true },
      ],
      // Longer than a busy machine stands still.
      800,
    );
    const cut = await failure(model);
    expect(cut).toMatchObject({ code: "cut", receivedCharacters: 10 });
    const silent = await failure(model);
    expect(silent).toMatchObject({ code: "silent", receivedCharacters: 10 });
  });

  it("is stopped in the middle of its answer within 250 ms, and its host notices", async () => {
    const { model, host } = await modelWith(provider, [{ text: "some words", hangs: true }]);
    const stop = new AbortController();
    const asked = failure(model, stop.signal);
    await expect.poll(() => host.heard.length).toBe(1);
    await sleep(20);
    const at = performance.now();
    stop.abort();
    expect(await asked).toMatchObject({ code: "stopped" });
    expect(performance.now() - at).toBeLessThan(250);
    await expect.poll(() => host.abandoned()).toBe(1);
  });
});

describe("patience", () => {
  const patience = { tries: 3, firstPauseMs: 10, longestPauseMs: 500, random: () => 1 };

  it("waits as long as the host asks for and tries again", async () => {
    const turns: Turn[] = [
      { status: 529, headers: { "retry-after-ms": "120" } },
      { text: "a cut ans", cut: true },
      { text: "at last" },
    ];
    const { model, host } = await modelWith("anthropic", turns);
    const at = performance.now();
    const answer = await patientModel(model, patience).ask(request, never());
    expect(answer.text).toBe("at last");
    expect(performance.now() - at).toBeGreaterThan(115);
    expect(host.heard).toHaveLength(3);
  });

  it("has an end, does not wait for hours, and does not repeat what would be refused again", async () => {
    const { model, host } = await modelWith("anthropic", [
      { status: 429, headers: { "retry-after": "3600" } },
      { status: 400 },
      { status: 503 },
    ]);
    const patient = patientModel(model, patience);
    await expect(patient.ask(request, never())).rejects.toMatchObject({ code: "rate-limited" });
    await expect(patient.ask(request, never())).rejects.toMatchObject({ code: "refused" });
    expect(host.heard).toHaveLength(2);
    await expect(patient.ask(request, never())).rejects.toMatchObject({ code: "overloaded" });
    expect(host.heard).toHaveLength(5);
  });

  it("ends where it is stopped", async () => {
    const { model } = await modelWith("anthropic", [
      { status: 429, headers: { "retry-after": "60" } },
    ]);
    const patient = patientModel(model, { ...patience, longestPauseMs: 100_000 });
    const asked = patient.ask(request, AbortSignal.timeout(150));
    await expect(asked).rejects.toMatchObject({ code: "stopped" });
  });
});

it("a key is read from its file at every request, and one that is missing is named", async () => {
  const directory = mkdtempSync(join(tmpdir(), "jarvis-key-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const keyFile = join(directory, "key");
  const host = await openHost([{ text: "yes" }]);
  const config = configOf("anthropic", host, { JARVIS_MODEL_KEY_FILE: keyFile });
  const model = sdkModel(config);
  await expect(model.ask(request, never())).rejects.toMatchObject({ code: "unauthorised" });
  for (const key of ["sk-one", "sk-two"]) {
    writeFileSync(keyFile, `${key}\n`);
    await model.ask(request, never());
  }
  expect(host.heard.map(({ headers }) => headers["x-api-key"])).toEqual(["sk-one", "sk-two"]);
});

async function failure(model: ModelPort, signal = never()): Promise<ModelError> {
  try {
    await model.ask(request, signal);
  } catch (error) {
    if (error instanceof ModelError) return error;
    throw error;
  }
  throw new Error("it was answered");
}

function never(): AbortSignal {
  return new AbortController().signal;
}

async function openHost(turns: readonly Turn[]): Promise<ModelHost> {
  const host = await startModelHost(turns);
  onTestFinished(async () => await host.close());
  return host;
}

async function modelWith(
  provider: (typeof providers)[number],
  turns: readonly Turn[],
  silenceMs?: number,
): Promise<{ model: ModelPort; host: ModelHost }> {
  const host = await openHost(turns);
  const config = configOf(provider, host, { JARVIS_MODEL_KEY: KEY });
  return { host, model: sdkModel(config, silenceMs === undefined ? {} : { silenceMs }) };
}

function configOf(
  provider: string,
  host: ModelHost,
  more: { JARVIS_MODEL_KEY?: string; JARVIS_MODEL_KEY_FILE?: string },
): ModelConfig {
  const config = readModelConfig(
    {
      model: `${provider}/scripted`,
      baseUrl: host.baseUrl,
      key: more.JARVIS_MODEL_KEY,
      keyFile: more.JARVIS_MODEL_KEY_FILE,
      price: undefined,
      budget: undefined,
      record: undefined,
      maxOutputTokens: undefined,
      attempts: undefined,
    },
    "/",
  );
  if (config === null) throw new Error("no model");
  return config;
}
