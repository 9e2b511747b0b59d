import type { SqlClient } from "../connection.ts";

const modes: Readonly<Record<string, string>> = { A: "enable always", O: "enable", D: "disable" };

/**
 * Changes ledger tables as a superuser who knows of the guard and puts it back afterwards, in one
 * transaction.
 *
 * @param admin A session of the superuser; it is not ended.
 * @param tables The tables whose triggers are off meanwhile.
 */
export async function tamper(
  admin: SqlClient,
  tables: readonly string[],
  statements: string,
): Promise<void> {
  await admin.begin(async (tx) => {
    await tx.unsafe("alter event trigger jarvis_guard_ddl disable");
    const triggers = await tx`
      select c.relname::text as table, t.tgname::text as trigger, t.tgenabled::text as mode
      from pg_trigger t join pg_class c on c.oid = t.tgrelid
      where c.relname = any (${[...tables]}::text[]) and not t.tgisinternal`;
    for (const table of tables) await tx.unsafe(`alter table ${table} disable trigger user`);
    await tx.unsafe(statements);
    for (const { table, trigger, mode } of triggers) {
      await tx.unsafe(`alter table ${table} ${modes[mode] ?? "disable"} trigger "${trigger}"`);
    }
    await tx.unsafe("alter event trigger jarvis_guard_ddl enable always");
  });
}
