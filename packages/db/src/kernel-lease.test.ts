import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connect } from "./connection.ts";
import type { SqlClient } from "./connection.ts";
import {
  connectForLease,
  endLeases,
  readLease,
  releaseLease,
  renewLease,
  takeLease,
  type LeaseHolder,
} from "./kernel-lease.ts";
import { openTarget, type DatabaseHandle } from "./open-database.ts";
import { selfExtensionEvents } from "./schema/index.ts";
import { anEvent, createTestDatabase, refusalOf } from "./testing/index.ts";
import type { TestDatabase } from "./testing/index.ts";

const TTL_MS = 1000;
let database: TestDatabase;
let lease: SqlClient;
const opened: DatabaseHandle[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
  lease = connectForLease(database.runtimeUrl);
});

afterEach(async () => {
  await Promise.all([lease.end(), ...opened.splice(0).map((handle) => handle.close())]);
  await database.close();
});

describe("the lease of the kernel that leads", () => {
  it("is taken by exactly one of many, renewed by it, and by nobody else before it ran out", async () => {
    const tried = await Promise.all(
      ["a", "b", "c", "d"].map(async (name) => {
        const own = connectForLease(database.runtimeUrl);
        const taken = await takeLease(own, holder(name), TTL_MS);
        await own.end();
        return taken;
      }),
    );
    const [first, ...others] = tried.filter((taken) => taken !== null);
    expect(others).toEqual([]);
    expect(first).toMatchObject({ epoch: 1, previous: null, isFree: false });
    expect(await renewLease(lease, 1, holder("a"))).toBe(true);
    expect(await takeLease(lease, holder("late"), TTL_MS)).toBeNull();
    // Whoever does not ask politely is refused by the database.
    const forced = lease`update kernel_lease set epoch = 2, holder = '{}'`;
    expect((await refusalOf(forced))?.code).toBe("JL002");
  });

  it("is free at once when it was given back, and not renewed after that", async () => {
    await takeLease(lease, holder("a"), 60_000);
    expect(await releaseLease(lease, 1)).toBe(true);
    expect(await renewLease(lease, 1, holder("a"))).toBe(false);
    const next = await takeLease(lease, holder("b"), TTL_MS);
    expect(next).toMatchObject({ epoch: 2, holder: { host: "b" }, previous: { host: "a" } });
    expect(await renewLease(lease, 1, holder("a"))).toBe(false);
    expect(await releaseLease(lease, 1)).toBe(false);
  });

  it("goes to the next when it ran out, and all that the first writes then is refused", async () => {
    await takeLease(lease, holder("a"), TTL_MS);
    const first = await openAs(1);
    await first.db.insert(selfExtensionEvents).values(anEvent());
    await ranOut();
    // Nobody has taken it yet: what it writes is nobody else's business.
    await first.db.insert(selfExtensionEvents).values(anEvent());
    expect(await takeLease(lease, holder("b"), TTL_MS)).toMatchObject({ epoch: 2 });
    for (const statement of [
      "insert into self_extension_events (run_id, correlation_id, event_type, stage, actor_source, actor, idempotency_key, payload) values ('r', 'r', 'proposed', 's', 'system', 'k', 'x', '{}')",
      "update agent_state set version = version + 1",
      "insert into blobs (digest, content) values ('sha256:x', '')",
      "update action_proposals set state = 'failed'",
      "update promotion_intents set outcome = 'did-not-happen'",
      "insert into action_audit_log (event_type) values ('x')",
      "insert into ledger_records (kind, actor, data) values ('key_added', 'k', '{}')",
      "insert into ledger_checkpoints (size, note) values (1, 'x')",
      "insert into ledger_leaves (leaf_index, ledger, event_id, leaf_hash) values (0, 1, 1, '')",
      "insert into ledger_nodes (level, node_index, hash) values (0, 0, '')",
      "update goals set priority = 1",
      "update goal_attempts set report = null",
      "update model_calls set detail = null",
      "update dbos.workflow_status set status = 'ERROR'",
      "delete from dbos.operation_outputs",
    ]) {
      const refused = await refusalOf(first.sql.unsafe(statement));
      expect({ statement, code: refused?.code }).toEqual({ statement, code: "JL001" });
    }
    const second = await openAs(2);
    await second.db.insert(selfExtensionEvents).values(anEvent());
  });

  it("is not taken around a transaction that the first is stopped in: that one is taken back", async () => {
    await takeLease(lease, holder("a"), TTL_MS);
    const first = await openAs(1);
    const [given] = await first.sql`show idle_in_transaction_session_timeout`;
    expect(given).toEqual({ idle_in_transaction_session_timeout: "5s" });
    const stopped = first.sql
      .begin(async (tx) => {
        await tx`set idle_in_transaction_session_timeout = '1500ms'`;
        await tx`update agent_state set version = version + 1 where key = 'system:safety'`;
        // As a process that is stopped here: it says nothing more.
        await new Promise((resolve) => setTimeout(resolve, 2500));
      })
      .catch((error: unknown) => error);
    await ranOut();
    expect(await takeLease(lease, holder("b"), 60_000)).toMatchObject({ epoch: 2 });
    const [row] = await database.sql`select version from agent_state where key = 'system:safety'`;
    expect(row).toEqual({ version: 1 });
    expect(await stopped).toBeInstanceOf(Error);
  });

  it("lets only who leads announce and land, and a person turn switches all the while", async () => {
    const announce = (sql: SqlClient) => sql`
      insert into promotion_intents (run_id, attempt, head_sha, base_sha, is_revert, holder)
      values ('r', 1, ${"1".repeat(40)}, ${"2".repeat(40)}, true, '{}')`;
    await takeLease(lease, holder("a"), 60_000);
    expect((await refusalOf(announce(database.sql)))?.code).toBe("JL001");
    const first = await openAs(1);
    await announce(first.sql);
    const letThrough = (sql: SqlClient) =>
      sql`update promotion_intents set phase = 'landing', landing_at = now()`;
    expect((await refusalOf(letThrough(database.sql)))?.code).toBe("JL001");
    await letThrough(first.sql);
    await database.sql`update agent_state set version = version + 1`;
    await database.db.insert(selfExtensionEvents).values(anEvent());
    await database.sql`update promotion_intents set outcome = 'did-not-happen', known_by = 'fenced'`;
  });

  it("is nobody's business where the database is one kernel's own", async () => {
    await takeLease(lease, holder("a"), 60_000);
    await endLeases(database.sql);
    expect(await readLease(lease)).toMatchObject({ isReleased: true, isFree: true });
    await database.sql`
      insert into promotion_intents (run_id, attempt, head_sha, base_sha, is_revert, holder)
      values ('r', 1, ${"1".repeat(40)}, ${"2".repeat(40)}, true, '{}')`;
  });

  it("keeps its times and its epoch from who holds it", async () => {
    await takeLease(lease, holder("a"), TTL_MS);
    await lease`update kernel_lease set renewed_at = now() + interval '1 day', ttl_ms = 600000`;
    await ranOut();
    expect(await readLease(lease)).toMatchObject({ isFree: true });
    const skip = lease`update kernel_lease set epoch = 9`;
    expect((await refusalOf(skip))?.code).toBe("JL002");
    expect((await refusalOf(lease`delete from kernel_lease`))?.code).toBe("42501");
    const owner = connect(database.migratorUrl, {
      max: 1,
      role: "jarvis_owner",
      applicationName: "test",
    });
    expect(
      (
        await refusalOf(
          owner`insert into kernel_lease (epoch, holder, ttl_ms) values (5, '{}', 1000)`,
        )
      )?.code,
    ).toBe("JL002");
    await owner.end();
  });
});

function holder(host: string): LeaseHolder {
  return { host, pid: 1, directoryId: `directory-${host}`, url: null };
}

async function ranOut(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, TTL_MS + 50));
}

/** The database as the kernel of an epoch opens it. */
async function openAs(epoch: number): Promise<DatabaseHandle> {
  const handle = await openTarget(
    {
      runtimeUrl: database.runtimeUrl,
      adminUrl: database.adminUrl,
      migratorUrl: database.migratorUrl,
      server: "external",
      epoch,
    },
    async () => {},
  );
  opened.push(handle);
  return handle;
}
