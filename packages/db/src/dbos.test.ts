import { DBOS } from "@dbos-inc/dbos-sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase } from "./testing/index.ts";
import type { TestDatabase } from "./testing/index.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(async () => {
  await DBOS.shutdown();
  await database.close();
});

describe("the workflow engine", () => {
  it("launches as the runtime role and runs a workflow of two steps", async () => {
    DBOS.setConfig({
      name: "jarvis-test",
      systemDatabaseUrl: database.runtimeUrl,
      applicationVersion: "1",
      runMigrations: false,
      logLevel: "error",
    });
    const sum = DBOS.registerWorkflow(
      async (start: number) => {
        const first = await DBOS.runStep(async () => start + 1, { name: "first" });
        return await DBOS.runStep(async () => first * 2, { name: "second" });
      },
      { name: "sum" },
    );
    await DBOS.launch();
    const handle = await DBOS.startWorkflow(sum, { workflowID: "sum-1" })(20);
    expect(await handle.getResult()).toBe(42);
    const steps = await DBOS.listWorkflowSteps("sum-1");
    expect(steps?.map((step) => step.name)).toEqual(["first", "second"]);
    const owners = await database.sql`
      select distinct usename, rolname from pg_stat_activity
      join pg_roles on rolname = usename where application_name like 'dbos%'
        and datname = current_database()`;
    expect([...owners]).toEqual([{ usename: "jarvis_runtime", rolname: "jarvis_runtime" }]);
  });
});
