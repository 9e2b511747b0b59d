import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { createTestDatabase } from "../testing/index.ts";
import { writeBackup } from "./write-backup.ts";

it("is not led elsewhere by a link that somebody put beside it", async () => {
  const directory = mkdtempSync(join(tmpdir(), "jarvis-backup-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "backup");
  const elsewhere = join(directory, "elsewhere");
  writeFileSync(elsewhere, "not a backup");
  symlinkSync(elsewhere, `${file}.${process.pid}.new`);

  const database = await createTestDatabase();
  onTestFinished(() => database.close());
  await writeBackup(database.sql, file);

  expect(readFileSync(elsewhere, "utf8")).toBe("not a backup");
  expect(lstatSync(file).isFile()).toBe(true);
  expect(lstatSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(directory)).toHaveLength(3);
});
