import { connect } from "../connection.ts";
import { embeddedDatabaseName } from "../embedded/supervisor.ts";
import type { EmbeddedServer } from "../embedded/supervisor.ts";
import { codeOf } from "../errors.ts";
import { createRolesSql, quoteIdentifier } from "./roles.ts";

/**
 * Gives a fresh embedded server its roles, their passwords and the database. The database belongs
 * to the superuser, so that no role of ours can drop it.
 */
export async function createEmbeddedDatabase(server: EmbeddedServer): Promise<void> {
  const admin = connect(server.superuserUrl, {
    max: 1,
    role: undefined,
    applicationName: "jarvis set-up",
  });
  try {
    await admin.begin(async (tx) => {
      // Roles belong to the whole server; two set-ups at once would collide in its catalogue.
      await tx`select pg_advisory_xact_lock(hashtextextended('jarvis roles', 0))`;
      await tx.unsafe(createRolesSql).simple();
      await tx.unsafe(`alter role jarvis_migrator password '${server.secrets.migrator}'`);
      await tx.unsafe(`alter role jarvis_runtime password '${server.secrets.runtime}'`);
    });
    await admin.unsafe(`create database ${quoteIdentifier(embeddedDatabaseName)}`);
  } catch (error) {
    const createdMeanwhile = ["42P04", "23505"].includes(codeOf(error) ?? "");
    if (!createdMeanwhile) throw error;
  } finally {
    await admin.end({ timeout: 5 });
  }
}
