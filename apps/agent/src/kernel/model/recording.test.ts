import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { ModelAnswer, ModelPort, ModelRequest } from "./model-port.ts";
import { recordingModel, replayedModel } from "./recording.ts";

const never = new AbortController().signal;

it("a recorded conversation is answered again, whatever its ids, times and volatile parts are", async () => {
  const path = temporaryFile();
  const recorded = recordingModel(answering(["one", "two"]), path);
  await recorded.ask(ask("Run 0198a2b4-1111-7222-8333-944455556666 took 31 ms", "tail 1"), never);
  await recorded.ask(ask("and then", "tail 2"), never);

  const replay = replayedModel(path);
  const same = ask("Run 0198ffff-1111-7222-8333-944455550000 took 4 ms", "quite another tail");
  expect((await replay.ask(same, never)).text).toBe("one");
  expect((await replay.ask(ask("and then", ""), never)).text).toBe("two");
  // Asked once more, as after a crash.
  expect((await replay.ask(same, never)).text).toBe("one");
});

it("a conversation that has left its recording is told where", async () => {
  const path = temporaryFile();
  await recordingModel(answering(["one"]), path).ask(ask("hello", ""), never);
  const replay = replayedModel(path);
  const other = ask("hello, you", "");
  await expect(replay.ask(other, never)).rejects.toMatchObject({
    code: "left-recording",
    message: expect.stringMatching(/message 1 of 1 is another: user\nhello, you/) as string,
  });
  const offered = { ...ask("hello", ""), system: "be long" };
  await expect(replay.ask(offered, never)).rejects.toMatchObject({
    message: expect.stringContaining("told first") as string,
  });
  const missing = replayedModel(`${path}.not`);
  await expect(missing.ask(other, never)).rejects.toMatchObject({ code: "recording-unreadable" });
});

it("a recording holds no secrets", async () => {
  const path = temporaryFile();
  const secret = `sk-ant-${"a1".repeat(20)}`;
  await recordingModel(answering([`I found ${secret}`]), path).ask(ask(secret, ""), never);
  expect(readFileSync(path, "utf8")).not.toContain(secret);
  expect(readFileSync(path, "utf8")).toContain("[redacted:anthropic-key]");
});

function ask(text: string, tail: string): ModelRequest {
  const parts = [{ text }, { text: tail, isVolatile: true }];
  return {
    system: "be brief",
    messages: [{ role: "user", parts }],
    tools: [],
    maxOutputTokens: 100,
  };
}

function answering(texts: readonly string[]): ModelPort {
  const left = [...texts];
  return {
    name: "test/model",
    async ask(): Promise<ModelAnswer> {
      const usage = { inputTokens: 1, outputTokens: 1 };
      return await Promise.resolve({ text: left.shift() ?? "", calls: [], finish: "stop", usage });
    },
  };
}

function temporaryFile(): string {
  const directory = mkdtempSync(join(tmpdir(), "jarvis-recording-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return join(directory, "recording.ndjson");
}
