import { randomBytes } from "node:crypto";
import { connect, withDatabase } from "../connection.ts";

/** An empty database on an operator's server. */
export interface OperatorDatabase {
  /** Its owner's: a login that may make roles, and is no superuser. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Makes an empty database and its owner on a server.
 *
 * @param superuserUrl A superuser of the server in any of its databases.
 */
export async function makeOperatorDatabase(superuserUrl: string): Promise<OperatorDatabase> {
  const suffix = randomBytes(4).toString("hex");
  const [owner, name] = [`op_owner_${suffix}`, `op_database_${suffix}`];
  const superuser = connect(superuserUrl, { max: 1, role: undefined, applicationName: "test" });
  await superuser.unsafe(`create role ${owner} login createrole password 'pw'`);
  // The roles of Jarvis are the server's and exist here; an operator's own server made them by
  // this owner, who then has the admin option on them.
  const roles = "jarvis_guard, jarvis_owner, jarvis_migrator, jarvis_runtime";
  await superuser.unsafe(`grant ${roles} to ${owner} with admin option`);
  await superuser.unsafe(`create database ${name} owner ${owner}`);
  const url = new URL(withDatabase(superuserUrl, name));
  url.username = owner;
  url.password = "pw";
  return {
    url: url.toString(),
    async close() {
      await superuser.unsafe(`drop database ${name} with (force)`);
      // The memberships that the owner granted hang on it.
      await superuser.unsafe(`drop owned by ${owner} cascade`);
      await superuser.unsafe(`drop role ${owner}`);
      await superuser.end();
    },
  };
}
