import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { emptyBlob, getBlob, putBlob } from "./blobs.ts";
import { createTestDatabase, refusalOf } from "./testing/index.ts";
import type { TestDatabase } from "./testing/index.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database.close());

describe("a blob", () => {
  it("is found under the digest of its bytes, and comes back as it went in", async () => {
    const bytes = randomBytes(100_000);
    const digest = await putBlob(database.db, bytes, "application/octet-stream");
    expect(digest).toBe(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
    const found = await getBlob(database.db, digest);
    expect(found).toMatchObject({ mediaType: "application/octet-stream" });
    expect(Buffer.from((found as { content: Uint8Array }).content).equals(bytes)).toBe(true);
  });

  it("may be empty, or put twice", async () => {
    const digest = await putBlob(database.db, new Uint8Array(), "text/plain");
    expect(await putBlob(database.db, new Uint8Array(), "text/plain")).toBe(digest);
    expect(await getBlob(database.db, digest)).toMatchObject({ mediaType: "text/plain" });
  });

  it("says that it was emptied, keeps its size, and stays emptied when put again", async () => {
    const bytes = Buffer.from("a secret that a redaction removes");
    const digest = await putBlob(database.db, bytes, "text/plain");
    expect(await emptyBlob(database.db, digest)).toBe(true);
    expect(await emptyBlob(database.db, digest)).toBe(false);
    await putBlob(database.db, bytes, "text/plain");
    expect(await getBlob(database.db, digest)).toEqual({
      emptied: true,
      size: bytes.length,
      mediaType: "text/plain",
    });
  });

  it("answers null when there never was one", async () => {
    expect(await getBlob(database.db, `sha256:${"0".repeat(64)}`)).toBeNull();
    expect(await emptyBlob(database.db, `sha256:${"0".repeat(64)}`)).toBe(false);
  });

  it("cannot hold content that its digest does not name, nor be deleted", async () => {
    const digest = await putBlob(database.db, Buffer.from("evidence"), "text/plain");
    const forged = database.sql`update blobs set content = 'forged!!'::bytea where digest = ${digest}`;
    expect((await refusalOf(forged))?.message).toContain("blobs_content_is_digest");
    expect((await refusalOf(database.sql`delete from blobs`))?.code).toBe("42501");
  });
});
