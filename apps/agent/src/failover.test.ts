import { readLease, takeLease } from "@jarvis/db";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { START_AGAIN } from "./exit-codes.ts";
import { follow } from "./testing/follow-stream.ts";
import { startFailoverWorld, type FailoverWorld, type Member } from "./testing/failover-world.ts";
import { until } from "./testing/kernel-program.ts";
import { goodPatch, plainProject, type TestRepository } from "./testing/repository.ts";

const once = { branches: 0, pullRequests: 1, evidence: 1, landings: 1 };

describe("two kernels on one PostgreSQL", () => {
  let repository: TestRepository;
  let world: FailoverWorld;

  beforeAll(async () => {
    repository = plainProject();
    world = await startFailoverWorld(repository);
    await world.first.start();
    await world.first.leads();
    await world.first.program.post("/api/mode", { mode: "execute", reason: "test" });
    await world.second.start();
  });

  afterAll(async () => {
    await world.close();
    repository.remove();
  });

  it("one leads; the other looks, turns switches, and names the first for anything else", async () => {
    const { first, second } = world;
    const { program } = second;
    expect(await second.role()).toMatchObject({
      role: "standby",
      leader: { pid: first.program.pid, url: first.program.url },
    });
    expect((await fetch(`${program.url}/readyz`)).status).toBe(503);
    await expect(program.propose(goodPatch(repository, "elsewhere"))).rejects.toThrow(
      new RegExp(`409 .*"standby".*process ${first.program.pid}, ${first.program.url}`),
    );
    await expect(program.post("/api/accept", { sha: "a".repeat(40) })).rejects.toThrow("standby");
    await expect(program.get("/api/releases")).rejects.toThrow("standby");
    expect(await program.get("/api/runs")).toMatchObject({ runs: [] });
    const paused = await program.post("/api/self-extension/promotion", {
      paused: true,
      reason: "from the second",
    });
    expect(paused).toMatchObject({ paused: true, acknowledged: true });
    expect(await first.program.get("/api/self-extension")).toMatchObject({
      promotion: { paused: true, reason: "from the second" },
    });
    await program.post("/api/self-extension/promotion", { paused: false, reason: "go on" });
    await program.post("/api/kill-switch", { reason: "from the second" });
    await until(async () => {
      const { safety } = await first.program.get<{ safety: { mode: string } }>("/api/status");
      return safety.mode === "observe" ? true : null;
    });
    await program.post("/api/mode", { mode: "execute", reason: "go on" });
  });

  it("one that stands by tells what happens as well, of itself that it stands by", async () => {
    const { leader, other } = await sides(world);
    const told = await follow(other.program);
    const change = { paused: true, reason: "look at both" };
    await leader.program.post("/api/self-extension/promotion", change);
    expect(await told.until("ledger")).toContain("look at both");
    expect(await told.until("status")).toContain('"role":"standby"');
    await leader.program.post("/api/self-extension/promotion", { ...change, paused: false });
    await told.close();
  });

  // Each kills a leader where its change was made and its answer is lost; `pnpm sweep` does all.
  const moments = [
    { what: "the branch", path: /\/git\/refs$/ },
    { what: "the pull request", path: /\/pulls$/ },
    { what: "a status", path: /\/statuses\// },
    { what: "the landing", path: /\/git\/refs\/heads(\/|%2F)main$/ },
  ];
  const sampled = process.env["JARVIS_SWEEP"] === "1" ? moments : moments.slice(-1);

  it.each(sampled)("the other ends the run of one that was killed after $what", async (moment) => {
    const { leader, other } = await sides(world);
    const since = world.logLength();
    const reached = leader.forge.holdAt(moment.path, "after");
    const runId = await leader.program.propose(goodPatch(repository, nextName()));
    await reached;
    const told = await follow(other.program);
    await leader.program.kill();
    leader.forge.release();
    await other.leads();
    // Who follows is let go, and comes back to a kernel that knows more.
    expect(await told.until("behind")).not.toBe("");
    await told.close();
    const result = await other.program.outcome(runId);
    expect(result).toMatchObject({ status: "promoted", blockReasons: [] });
    await until(async () => ((await world.effects(result, since)).branches === 0 ? true : null));
    expect(await world.effects(result, since)).toEqual(once);
    expect((await world.ledger(result)).map(({ type }) => type)).toContain("promoted");
    expect(await world.baseSha()).toBe(result.mergeSha);
    await leader.start();
    expect(await leader.role()).toMatchObject({ role: "standby" });
  });

  it("one that was stopped can do nothing when it wakes up: the other ended its run", async () => {
    const { leader, other } = await sides(world);
    const since = world.logLength();
    const reached = leader.forge.holdAt(/\/pulls$/, "after");
    const runId = await leader.program.propose(goodPatch(repository, nextName()));
    await reached;
    leader.signal("SIGSTOP");
    await other.leads();
    const result = await other.program.outcome(runId);
    expect(result).toMatchObject({ status: "promoted", blockReasons: [] });
    // The answer that the first waited for comes now.
    const before = leader.forge.mutations.length;
    leader.forge.forward();
    leader.signal("SIGCONT");
    const { code, stderr } = await leader.program.ended;
    expect(code).toBe(START_AGAIN);
    expect(stderr).toContain("The lead was lost");
    expect(leader.forge.mutations.slice(before)).toEqual([]);
    await until(async () => ((await world.effects(result, since)).branches === 0 ? true : null));
    expect(await world.effects(result, since)).toEqual(once);
    await world.ledger(result);
    await leader.start();
  });

  it("one that is cut off from the database ends by itself, and the other leads", async () => {
    const { leader, other } = await sides(world);
    leader.network.cut();
    const { code, stderr } = await leader.program.ended;
    expect(code).toBe(START_AGAIN);
    expect(stderr).toContain("could not renew its lease");
    await other.leads();
    leader.network.mend();
    await leader.start();
    expect(await leader.role()).toMatchObject({ role: "standby" });
  });

  it("one that stops in order is followed at once, and nobody takes the lead of one that lives", async () => {
    const { leader, other } = await sides(world);
    const holder = { host: "elsewhere", pid: 1, directoryId: "another", url: null };
    expect(await takeLease(world.database.sql, holder, 60_000)).toBeNull();
    const stoppedAt = performance.now();
    expect((await leader.program.stop()).code).toBe(0);
    const lease = await readLease(world.database.sql);
    expect(lease === null || lease.isReleased || lease.holder.pid === other.program.pid).toBe(true);
    await other.leads();
    expect(performance.now() - stoppedAt).toBeLessThan(20_000);
    expect((await other.program.stop()).code).toBe(0);
  });
});

async function sides(world: FailoverWorld): Promise<{ leader: Member; other: Member }> {
  const isFirst = (await world.first.role()).role === "leads";
  return isFirst
    ? { leader: world.first, other: world.second }
    : { leader: world.second, other: world.first };
}

let names = 0;
function nextName(): string {
  names += 1;
  return `change${names}`;
}
