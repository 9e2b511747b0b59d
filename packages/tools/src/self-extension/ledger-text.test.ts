import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { payloadLimitBytes, selfExtensionEvents } from "@jarvis/db";
import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import { sql } from "drizzle-orm";
import { blocked, failed, proposed, tested } from "../testing/lifecycle.ts";
import { blockReasons } from "./block-reasons.ts";
import { clipText, fitPayload, fitReason } from "./ledger-text.ts";
import { appendSelfExtensionEvent, type NewLifecycleEvent } from "./lifecycle-events.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(async () => await database.close());

describe("clipText", () => {
  it("leaves what fits as it is", () => {
    expect(clipText("Grüße 👋🏽", { bytes: 100, units: 100 })).toBe("Grüße 👋🏽");
  });

  it("never cuts a character in two, whatever the text and the limit", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary", maxLength: 60 }),
        fc.integer({ min: 5, max: 80 }),
        (text, bytes) => {
          const clipped = clipText(text, { bytes, units: bytes });
          expect(Buffer.byteLength(JSON.stringify(clipped))).toBeLessThanOrEqual(bytes);
          expect(Buffer.from(clipped, "utf8").toString("utf8")).toBe(clipped);
          expect(clipped).not.toContain("\u0000");
        },
      ),
    );
  });
});

describe("fitPayload", () => {
  it("redacts before it cuts, so that no half of a secret is left", () => {
    const token = ["gh", "p_", "aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW0xY5zA7"].join("");
    const text = `${"x".repeat(3980)} ${token}`;
    expect(JSON.stringify(fitPayload({ detail: text }))).not.toContain(token.slice(0, 15));
    expect(fitReason(`freeze ${token}`)).toBe("freeze [redacted:github-token]");
  });

  it("leaves what is of the wrong shape wrong", () => {
    expect(fitPayload({ detail: 3, stages: "no", changedPaths: null })).toEqual({
      detail: 3,
      stages: "no",
      changedPaths: null,
    });
  });
});

describe("the ledger takes the largest event of every type", () => {
  // 3 bytes each in UTF-8, 2 as JSON escapes, 6 as control characters, halves of pairs, and NUL.
  const hostileTexts = ["世", "\\", "\u0001", "👋", "\ud83d", "\u0000", 'a"'];
  const many = (text: string): string => text.repeat(30_000);

  it.each(hostileTexts.map((text) => [JSON.stringify(text), text]))("of %s", async (_, text) => {
    const runId = `large-${JSON.stringify(text)}`;
    const stage = { name: many(text), status: "failed", durationMs: 1, category: many(text) };
    const events: NewLifecycleEvent[] = [
      proposed(runId, {
        title: many(text),
        goal: many(text),
        changedPaths: Array.from({ length: 5000 }, (_item, index) => `${index}/${text.repeat(60)}`),
      }),
      tested(runId, {
        passed: false,
        reason: many(text),
        stages: Array.from({ length: 90 }, () => ({
          ...stage,
          status: "failed",
          reason: many(text),
        })),
      }),
      blocked(runId, { reasons: [...blockReasons], detail: many(text), parked: true }),
      failed(runId, { reason: many(text) }),
    ];
    for (const event of events) await appendSelfExtensionEvent(database.db, event);
    const [row] = await database.db
      .select({ size: sql<number>`max(octet_length(${selfExtensionEvents.payload}::text))` })
      .from(selfExtensionEvents);
    expect(row?.size).toBeLessThanOrEqual(payloadLimitBytes);
  });
});
