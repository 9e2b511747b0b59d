import { connect } from "../connection.ts";
import type { SqlClient } from "../connection.ts";
import { startEmbedded } from "../embedded/supervisor.ts";
import { openTarget } from "../open-database.ts";
import type { DatabaseHandle } from "../open-database.ts";
import { acquireTestCluster, copyTemplate, templateStateOf } from "./test-cluster.ts";
import type { TestCluster } from "./test-cluster.ts";
import { tamper } from "./tamper.ts";
import { copyTemplateState } from "./template-state.ts";

export type TestDatabase = DatabaseHandle & {
  readonly databaseName: string;
  /** The superuser in this database, for attacks and for what only set-up may do. */
  readonly adminUrl: string;
  /** The login of migrations: may act as owner and as guard. */
  readonly migratorUrl: string;
  /** A session of the superuser, for the caller to end. */
  openAdmin(): SqlClient;
};

export { sliceOf } from "./slice.ts";
export { anAuditEvent, anEvent, refusalOf } from "./builders.ts";
export { makeOperatorDatabase, type OperatorDatabase } from "./operator-database.ts";
export { tamper } from "./tamper.ts";

let cluster: Promise<TestCluster> | undefined;

/**
 * A real, migrated database for one test or one file, opened as the runtime role. `close()` drops
 * it. The server behind it is shared by every test run on the machine and is stopped by the global
 * set-up of this package, which a vitest project using this has to name.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  cluster ??= acquireTestCluster();
  const { server } = await cluster;
  const copy = await copyTemplate(server);
  const handle = await openTarget({ ...copy.urls, server: "embedded" }, async () => {});
  return {
    ...handle,
    databaseName: copy.name,
    adminUrl: copy.urls.adminUrl,
    migratorUrl: copy.urls.migratorUrl,
    openAdmin: () =>
      connect(copy.urls.adminUrl, { max: 1, role: undefined, applicationName: "test" }),
    async close() {
      await handle.close();
      await copy.drop();
    },
  };
}

/** Changes ledger tables of a state directory, whose server may be in use, as its superuser. */
export async function tamperWithState(
  stateDirectory: string,
  tables: readonly string[],
  statements: string,
): Promise<void> {
  const { urls } = await startEmbedded(stateDirectory);
  const admin = connect(urls.adminUrl, { max: 1, role: undefined, applicationName: "test" });
  try {
    await tamper(admin, tables, statements);
  } finally {
    await admin.end({ timeout: 5 });
  }
}

/** Gives a new state directory a cluster that is set up and stopped, instead of having it made. */
export async function prepareTestState(stateDirectory: string): Promise<void> {
  cluster ??= acquireTestCluster();
  copyTemplateState(templateStateOf((await cluster).directory), stateDirectory);
}
