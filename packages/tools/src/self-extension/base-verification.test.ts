import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makePromotionWorld, type PromotionWorld } from "../testing/promotion-world.ts";
import { lastSeenBase } from "./attestation.ts";
import { attendToBase } from "./base-verification.ts";
import { readRunEvents } from "./lifecycle-events.ts";
import { getPromotionControlState } from "./promotion-control.ts";

let suite: PromotionWorld;

/** The gate of this project: nobody adds a file of that name. */
const stages = [{ kind: "check", name: "no-bad-file", argv: ["test", "!", "-e", "bad.txt"] }];

beforeAll(async () => {
  suite = await makePromotionWorld({ stages });
});

afterAll(async () => await suite.close());

const verdicts = async (sha: string) =>
  (await readRunEvents(suite.world.db, `attestation-${sha}`)).map((event) => event.payload);

describe("a base that somebody else moved", () => {
  beforeEach(async () => {
    // Each case begins where everything is attested.
    const { base } = await suite.host();
    if ((await lastSeenBase(suite.world.db)) !== base) suite = await fresh();
  });

  it("that did not move stays as it is", async () => {
    const before = await lastSeenBase(suite.world.db);
    expect(await attendToBase(suite.world)).toBe("attested");
    expect(await lastSeenBase(suite.world.db)).toBe(before);
  });

  it("is verified by the gates last trusted, and built upon once it passed", async () => {
    const before = await lastSeenBase(suite.world.db);
    const sha = await suite.moveBase({ attested: false });
    const parked = await suite.world.propose(suite.patch());
    expect(parked.result).toMatchObject({ status: "parked", blockReasons: ["base-unverified"] });
    expect(await attendToBase(suite.world)).toBe("attested");
    expect(await lastSeenBase(suite.world.db)).toBe(sha);
    expect(await verdicts(sha)).toMatchObject([
      { passed: true, attestation: "verified", baseSha: before, stages: [{ status: "passed" }] },
    ]);
    const run = await suite.world.attempt(parked.state.runId, 2);
    expect(run.result).toMatchObject({ success: true, baseSha: sha });
  });

  it("waits for a person where it fails, and is judged once", async () => {
    const before = await lastSeenBase(suite.world.db);
    const sha = await suite.moveBase({ attested: false, files: { "bad.txt": "bad\n" } });
    expect(await attendToBase(suite.world)).toBe("unverified");
    expect(await attendToBase(suite.world)).toBe("unverified");
    expect(await lastSeenBase(suite.world.db)).toBe(before);
    expect(await verdicts(sha)).toMatchObject([{ passed: false, attestation: "verified" }]);
    const run = await suite.world.propose(suite.patch());
    expect(run.result).toMatchObject({ status: "parked", blockReasons: ["base-unverified"] });
    expect(run.state.blockDetail).toMatch(/did not pass: .*\. Look at it and run `jarvis accept/);
  });

  it.each([
    [
      "its own gates",
      "jarvis.config.json",
      JSON.stringify({
        version: 1,
        dependencies: { manager: "none" },
        stages: [{ ...stages[0], argv: ["true"] }],
      }),
    ],
    ["a workflow", ".github/workflows/ci.yml", "on: push\n"],
    ["text that reads otherwise than it runs", "note.txt", "a\u202Eb\n"],
  ])("is not executed where it brings %s", async (_, path, content) => {
    const sha = await suite.moveBase({ attested: false, files: { [path]: content } });
    expect(await attendToBase(suite.world)).toBe("unverified");
    const [verdict] = await verdicts(sha);
    expect(verdict).toMatchObject({ passed: false, stages: [] });
    expect(JSON.stringify(verdict)).toContain(path);
  });

  it("has no verdict while there is no sandbox, and gets one once there is", async () => {
    const sha = await suite.moveBase({ attested: false });
    const without = {
      ...suite.world,
      checkSandbox: async () =>
        await Promise.resolve({ available: false as const, message: "none here" }),
    };
    expect(await attendToBase({ ...suite.world, ...without } as typeof suite.world)).toBe(
      "unverified",
    );
    expect(await verdicts(sha)).toEqual([]);
    expect(await attendToBase(suite.world)).toBe("attested");
  });

  it("leaves no verdict behind when it is killed meanwhile", async () => {
    const sha = await suite.moveBase({ attested: false });
    const killed = AbortSignal.abort();
    expect(await attendToBase({ ...suite.world, signal: () => killed })).toBe("unverified");
    expect(await verdicts(sha)).toEqual([]);
    expect(await attendToBase(suite.world)).toBe("attested");
  });

  it("pauses promotion where it was rewritten, and keeps the reason of a pause that stands", async () => {
    const sha = await suite.rewriteBase();
    expect(await attendToBase(suite.world)).toBe("rewritten");
    const control = await getPromotionControlState(suite.world.db);
    expect(control).toMatchObject({ paused: true, updatedBy: "system" });
    expect(control.reason).toContain(sha);
    expect(await attendToBase(suite.world)).toBe("rewritten");
    expect((await getPromotionControlState(suite.world.db)).updatedAt).toBe(control.updatedAt);
    expect(await verdicts(sha)).toEqual([]);
  });

  async function fresh(): Promise<PromotionWorld> {
    await suite.close();
    return await makePromotionWorld({ stages });
  }
});
