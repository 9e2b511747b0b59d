import { connect } from "./connection.ts";
import { roles } from "./setup/roles.ts";

export type LedgerAlteration = {
  /** The guarded table, qualified: `public.self_extension_events`. */
  table: string;
  /** Recorded beside who and when; must not be empty. */
  reason: string;
  statements: readonly string[];
};

/**
 * The statements of an alteration, ready for one transaction: the guard is disabled by name, the
 * table altered as its owner, the guard enabled and checked, and all of it recorded in
 * `jarvis_guard.ledger_alterations`. A migration that changes a ledger consists of exactly these.
 *
 * A transaction that begins and does not end the change is refused at commit.
 */
export function ledgerAlterationSql(change: LedgerAlteration): string[] {
  return [
    `set local role ${roles.guard}`,
    `select jarvis_guard.begin_ledger_change(${quoteLiteral(change.table)}, ${quoteLiteral(change.reason)})`,
    `set local role ${roles.owner}`,
    ...change.statements,
    `set local role ${roles.guard}`,
    `select jarvis_guard.end_ledger_change()`,
    `set local role ${roles.owner}`,
  ];
}

/** Runs one alteration with the login of migrations, who may act as the guard role. */
export async function alterLedger(migratorUrl: string, change: LedgerAlteration): Promise<void> {
  const migrator = connect(migratorUrl, {
    max: 1,
    role: roles.owner,
    applicationName: "jarvis ledger alteration",
  });
  try {
    await migrator.begin(async (tx) => {
      for (const statement of ledgerAlterationSql(change)) await tx.unsafe(statement);
    });
  } finally {
    await migrator.end({ timeout: 5 });
  }
}

function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
