import { z } from "zod";
import type { SqlClient } from "../connection.ts";
import { DatabaseError, messageOf } from "../errors.ts";

/*
 * Four roles, all different: who may log in never owns a table, and who owns the guard cannot log
 * in. Roles belong to the whole server, so all of this may meet another database's set-up.
 */
export const roles = {
  guard: "jarvis_guard",
  owner: "jarvis_owner",
  migrator: "jarvis_migrator",
  runtime: "jarvis_runtime",
} as const;

export type PrepareTarget = {
  database: string;
  /** Who runs migrations: has to be able to act as migrator, owner and guard. */
  adminLogin: string;
  /** Who logs in at run time: has to be able to act as jarvis_runtime. */
  runtimeLogin: string;
};

/** Creates the roles that are missing. Roles belong to the server, not to one database. */
export const createRolesSql = [
  createRole(roles.guard, "nologin"),
  createRole(roles.owner, "nologin"),
  createRole(roles.migrator, "login noinherit"),
  createRole(roles.runtime, "login noinherit"),
].join("\n");

/** What an administrator has to run once in the database. Running it again changes nothing. */
function prepareSql(target: PrepareTarget): string {
  const database = quoteIdentifier(target.database);
  const memberships = [
    `grant jarvis_owner, jarvis_guard to jarvis_migrator`,
    ...(target.adminLogin === roles.migrator
      ? []
      : [
          `grant jarvis_owner, jarvis_guard, jarvis_migrator, jarvis_runtime to ${quoteIdentifier(target.adminLogin)}`,
        ]),
    ...(target.runtimeLogin === roles.runtime || target.runtimeLogin === target.adminLogin
      ? []
      : [`grant jarvis_runtime to ${quoteIdentifier(target.runtimeLogin)}`]),
  ];
  const grants = [
    ...memberships,
    `grant create on database ${database} to jarvis_owner, jarvis_migrator`,
    `grant usage, create on schema public to jarvis_owner`,
    `create schema if not exists jarvis_guard authorization jarvis_guard`,
  ];
  return [createRolesSql, ...grants.map((statement) => `${statement};`)].join("\n");
}

/**
 * Creates roles, grants and the guard's schema where they are missing and the admin may.
 * @throws DatabaseError `database-not-prepared` with the SQL for somebody who may.
 */
export async function prepareRoles(admin: SqlClient, target: PrepareTarget): Promise<void> {
  if (await isPrepared(admin, target)) return;
  const statements = prepareSql(target);
  let cause: unknown;
  try {
    await admin.unsafe(statements).simple();
  } catch (error) {
    cause = error;
  }
  if (cause === undefined && (await isPrepared(admin, target))) return;
  throw new DatabaseError(
    "database-not-prepared",
    `The database "${target.database}" is not prepared and "${target.adminLogin}" may not do it (${cause === undefined ? "grants are still missing" : messageOf(cause)}): let an administrator run this in it:\n${statements}`,
    { cause, sql: statements },
  );
}

async function isPrepared(admin: SqlClient, target: PrepareTarget): Promise<boolean> {
  const found = await admin`
    select rolname from pg_roles where rolname in ${admin(Object.values(roles))}`;
  if (found.length < Object.values(roles).length) return false;
  const rows = await admin`
    select
      pg_has_role(${target.adminLogin}, 'jarvis_migrator', 'MEMBER')
      and pg_has_role(${target.adminLogin}, 'jarvis_owner', 'MEMBER')
      and pg_has_role(${target.adminLogin}, 'jarvis_guard', 'MEMBER')
      and pg_has_role('jarvis_migrator', 'jarvis_owner', 'MEMBER')
      and pg_has_role('jarvis_migrator', 'jarvis_guard', 'MEMBER')
      and pg_has_role(${target.runtimeLogin}, 'jarvis_runtime', 'MEMBER')
      and has_database_privilege('jarvis_owner', current_database(), 'CREATE')
      and has_database_privilege('jarvis_migrator', current_database(), 'CREATE')
      and has_schema_privilege('jarvis_owner', 'public', 'CREATE')
      and exists (
        select from pg_namespace
        where nspname = 'jarvis_guard' and nspowner = 'jarvis_guard'::regrole
      ) as prepared`;
  return z.array(z.object({ prepared: z.boolean() })).parse(rows)[0]?.prepared ?? false;
}

// Another database's set-up may create the role between the check and the creation.
function createRole(name: string, attributes: string): string {
  return `do $$ begin
  if not exists (select from pg_roles where rolname = '${name}') then
    create role ${name} ${attributes};
  end if;
exception when duplicate_object or unique_violation then null;
end $$;`;
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
