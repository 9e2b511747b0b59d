import { createTestDatabase } from "@jarvis/db/testing";
import { expect, it } from "vitest";
import { failureOf } from "./failure.ts";

it("a failed query is told by its cause, without the query", async () => {
  const { db, close } = await createTestDatabase();
  const error: unknown = await db.execute("select 1 / 0").catch((thrown: unknown) => thrown);
  expect(await failureOf(error)).toEqual({
    exitCode: 3,
    code: "internal",
    message: "The database could not answer (division by zero).",
  });
  await close();
});
