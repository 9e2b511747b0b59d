import { randomUUID } from "node:crypto";
import { createWriteStream, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { z } from "zod";
import type { SqlClient } from "../connection.ts";
import { syncDirectory } from "../durable-file.ts";
import { END_OF_ROWS, leftOut, type BackupHeader, type BackupSection } from "./backup-file.ts";

const Tables = z.array(z.object({ name: z.string(), columns: z.array(z.string()) }));
const Facts = z.tuple([z.object({ schemaVersion: z.number(), checkpoint: z.string().nullable() })]);

/**
 * Writes every table of Jarvis to one file, in one snapshot, while everything goes on: the ledger and
 * the tree over it are of the same moment. Answers how many rows. Needs no program of PostgreSQL.
 */
export async function writeBackup(
  sql: SqlClient,
  file: string,
): Promise<{ rows: number; tables: number; checkpoint: string | null }> {
  // A directory for backups may be one that others write to: no name that they could have taken.
  const fresh = `${file}.${randomUUID()}.new`;
  let rows = 0;
  let tables = 0;
  let checkpoint: string | null = null;
  try {
    await sql.begin("isolation level repeatable read read only", async (tx) => {
      // Times are written as they are read back, whatever the server's settings.
      await tx`set local time zone 'UTC'`;
      const [facts] = Facts.parse([
        ...(await tx`
        select (select schema_version from schema_info) as "schemaVersion",
          (select note from ledger_checkpoints order by size desc limit 1) as checkpoint`),
      ]);
      checkpoint = facts.checkpoint;
      const found = Tables.parse([
        ...(await tx`
        select c.relname::text as name,
          array_agg(a.attname::text order by a.attnum) as columns
        from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
          and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
          and not c.relname = any (${[...leftOut]}::text[])
        group by c.relname order by c.relname`),
      ]);
      tables = found.length;
      async function* lines(): AsyncGenerator<Buffer> {
        const header: BackupHeader = {
          format: "jarvis-backup/1",
          ...facts,
          createdAt: new Date().toISOString(),
        };
        yield line(header);
        for (const { name, columns } of found) {
          yield line({ table: name, columns } satisfies BackupSection);
          // Not COPY TO: the driver stops reading for good where the end of a copy arrives with more
          // rows than its buffer takes.
          const copied = tx
            .unsafe(`select to_jsonb(found)::text as line from public."${name}" found`, [])
            .cursor(500);
          for await (const page of copied) {
            rows += page.length;
            yield Buffer.from(page.map((row) => `${String(row["line"])}\n`).join(""));
          }
          yield Buffer.from(`${END_OF_ROWS}\n`);
        }
        yield line({ end: true, rows } satisfies BackupSection);
      }
      await pipeline(
        Readable.from(lines()),
        createGzip({ level: 6 }),
        createWriteStream(fresh, { flags: "wx", mode: 0o600, flush: true }),
      );
    });
    // Half a backup never has the name of a whole one.
    renameSync(fresh, file);
    syncDirectory(dirname(file));
  } finally {
    rmSync(fresh, { force: true });
  }
  return { rows, tables, checkpoint };
}

function line(value: BackupHeader | BackupSection): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}
