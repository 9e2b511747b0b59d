import { createTestDatabase } from "@jarvis/db/testing";
import { sql } from "drizzle-orm";
import { Hono } from "hono";
import { expect, it } from "vitest";
import { answerError } from "./errors.ts";

it("says what the database failed of, and nothing of the query", async () => {
  const { db, close } = await createTestDatabase();
  const known: Error[] = [];
  const app = new Hono();
  app.get("/", async (context) => {
    await db.execute(sql`select 1 / ${"0"}::int as "the query"`);
    return context.text("");
  });
  app.onError((error, context) => answerError(error, context, (unknown) => known.push(unknown)));
  const response = await app.request("/");
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({
    error: { code: "internal", message: "The database could not answer (division by zero)." },
  });
  // The whole of it is the kernel's to keep.
  expect(known).toEqual([expect.objectContaining({ message: expect.stringContaining("query") })]);
  await close();
});
