import {
  anchorIn,
  LedgerError,
  checkBundle,
  proveEvent,
  readTreeHead,
  verifyLedger,
} from "@jarvis/ledger";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { at, makePromotionWorld, type PromotionWorld } from "../testing/promotion-world.ts";
import { CHECKPOINT_REF, pushCheckpoint, readPushed } from "./checkpoint-ref.ts";
import { readLedgerAnchors } from "./git/ledger-anchors.ts";
import type { Refusal } from "./proposal.ts";

let made: PromotionWorld;
let problem: Refusal | null = null;
let isStuck = false;
/** Rows that were to be sealed before something else happened. */
const waitedFor: unknown[] = [];

beforeAll(async () => {
  made = await makePromotionWorld({}, { ledgerProblem: () => problem });
  const { cover } = made.world.ledger;
  // Every method of the world's ledger is the real one; this one can be made to come too late.
  Object.assign(made.world.ledger, {
    cover: async (...args: Parameters<typeof cover>) => {
      waitedFor.push(args[0]);
      if (isStuck) throw new LedgerError("not-sealed", "A writer does not end.");
      return await cover(...args);
    },
  });
});
afterAll(async () => await made.close());

describe("a promotion", () => {
  it("carries a checkpoint over its verdict, and its story can be proved by any clone", async () => {
    const { world } = made;
    const run = await world.propose(made.patch());
    expect(run.state.status).toBe("promoted");
    const { mergeSha } = run.state;
    const anchors = await readLedgerAnchors(world.mirror, String(mergeSha));
    expect(anchors).toMatchObject([
      { where: `commit ${mergeSha}`, origin: world.ledger.signer.name },
    ]);
    expect(await verifyLedger(world.db, { anchors })).toMatchObject({ ok: true, anchors: 1 });
    const tested = run.events.findLast(({ type }) => type === "tested");
    const event = { ledger: "self_extension_events", id: Number(tested?.id) } as const;
    const attestations = await world.database
      .sql`select id::int from ledger_records where kind = 'evidence_attested'`;
    expect(waitedFor).toContainEqual({ ledger: "ledger_records", id: attestations[0]?.["id"] });
    const bundle = await proveEvent(world.db, event, anchors);
    // An attestation names the commit, so what that commit carries is older than the attestation.
    expect(checkBundle(JSON.parse(JSON.stringify(bundle)), anchors)).toMatchObject({
      anchoredBy: `commit ${mergeSha}`,
      statements: [],
      unanchoredStatements: 2,
    });
    const carried = [...anchors, anchorIn(bundle.checkpoint, CHECKPOINT_REF)];
    const again = await proveEvent(world.db, event, carried);
    const verdict = checkBundle(JSON.parse(JSON.stringify(again)), carried);
    expect(verdict.anchoredBy).toBe(`commit ${mergeSha}`);
    expect(verdict.statements).toMatchObject([
      { subject: [{ name: "commit", digest: { gitCommit: run.state.headSha } }, {}, {}] },
      {
        predicate: {
          verificationResult: "PASSED",
          jarvis: {
            base: run.state.baseSha,
            tree: run.state.treeSha,
            sandbox: { tier: expect.any(String) },
          },
        },
      },
    ]);
  });

  it("names its sealed attestation in the pull request", async () => {
    const [pull] = (await made.operator.rest.pulls.list({ ...at, state: "all" })).data;
    expect(pull?.body).toMatch(
      /Attestation: `sha256:[0-9a-f]{64}`.*jarvis ledger prove records:\d+/,
    );
  });

  it("waits while the ledger is not what was sealed, and goes on when it is", async () => {
    problem = { reason: "ledger-mismatch", detail: "event-changed: Row 7 differs." };
    const runId = await made.world.submit(made.patch());
    const parked = await made.world.attempt(runId, 1);
    expect(parked.state).toMatchObject({ status: "parked", blockReasons: ["ledger-mismatch"] });
    problem = null;
    expect((await made.world.attempt(runId, 2)).state.status).toBe("promoted");
  });

  it("waits until its own events are sealed", async () => {
    const runId = await made.world.submit(made.patch());
    isStuck = true;
    const parked = await made.world.attempt(runId, 1);
    expect(parked.state).toMatchObject({ status: "parked", blockReasons: ["ledger-unsealed"] });
    isStuck = false;
    expect((await made.world.attempt(runId, 2)).state.status).toBe("promoted");
  });
});

describe("the newest checkpoint", () => {
  it("lies on the host, one commit on top of the other, and is not pushed twice", async () => {
    const { world } = made;
    expect(await readPushed(world.github)).toBeNull();
    const first = await push();
    expect(first.pushed).toBe(true);
    await world.propose(made.patch());
    const second = await push();
    expect(second.anchor.size).toBeGreaterThan(first.anchor.size);
    expect(await push()).toEqual({ ...second, pushed: false });
    expect((await readPushed(world.github))?.anchor).toEqual(second.anchor);
    const { data } = await made.operator.rest.git.getRef({ ...at, ref: CHECKPOINT_REF.slice(5) });
    const commit = await made.operator.rest.git.getCommit({ ...at, commit_sha: data.object.sha });
    expect(commit.data.parents).toHaveLength(1);
    expect(await verifyLedger(world.db, { anchors: [first.anchor, second.anchor] })).toMatchObject({
      ok: true,
    });
  });

  it("of a smaller tree does not replace it", async () => {
    const there = await readPushed(made.world.github);
    const note = `${there?.anchor.origin}\n1\n${Buffer.alloc(32).toString("base64")}\n`;
    const answer = await pushCheckpoint(made.world.github, { size: 1, note }, []);
    expect(answer).toEqual({ anchor: there?.anchor, pushed: false });
  });
});

async function push() {
  const { ledger, github } = made.world;
  const events = await made.world.database
    .sql`select max(id)::int as id from self_extension_events`;
  const row = { ledger: "self_extension_events", id: Number(events[0]?.["id"]) } as const;
  const checkpoint = await ledger.cover(row);
  expect(readTreeHead(checkpoint.note).size).toBe(checkpoint.size);
  return await pushCheckpoint(github, checkpoint, []);
}
