import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { watchDatabase } from "./database-watch.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function watched(
  server: "embedded" | "external",
  ping: () => Promise<unknown>,
  forMs: number,
): Promise<string[]> {
  const lost: string[] = [];
  const watch = watchDatabase({ server, ping }, (error) => lost.push(error.message));
  await vi.advanceTimersByTimeAsync(forMs);
  watch.stop();
  return lost;
}

const refuses = async (): Promise<never> => {
  await Promise.resolve();
  throw new Error("refused");
};
const hangs = async (): Promise<never> => await new Promise(() => undefined);
const answers = async (): Promise<number> => await Promise.resolve(1);

describe("a database", () => {
  it("that answers is not lost", async () => {
    expect(await watched("embedded", answers, 60_000)).toEqual([]);
  });

  it.each([
    ["refuses", refuses],
    ["hangs", hangs],
  ])("of ours that %s is lost after a moment, told once", async (_, ping) => {
    expect(await watched("embedded", ping, 60_000)).toEqual([expect.stringMatching(/jarvis up/)]);
  });

  it("is not silent while this process stands still", async () => {
    const lost: string[] = [];
    const watch = watchDatabase({ server: "embedded", ping: answers }, ({ message }) =>
      lost.push(message),
    );
    vi.setSystemTime(Date.now() + 60_000);
    await vi.advanceTimersByTimeAsync(2000);
    watch.stop();
    expect(lost).toEqual([]);
  });

  it("of an operator may be restarted meanwhile", async () => {
    const backAt = Date.now() + 10_000;
    const restarts = async (): Promise<number> => (Date.now() < backAt ? await refuses() : 1);
    expect(await watched("external", restarts, 60_000)).toEqual([]);
    expect(await watched("external", refuses, 60_000)).toHaveLength(1);
  });
});
