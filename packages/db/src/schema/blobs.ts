import { sql } from "drizzle-orm";
import { check, integer, pgTable, text } from "drizzle-orm/pg-core";
import { bytea } from "./bytea.ts";
import { instant } from "./columns.ts";

/**
 * Output, diffs and other long things, named by what they contain.
 *
 * `content` is null once retention or a redaction emptied the row: digest, size and type stay, so
 * an event that names the digest still says what there was. The check makes the database refuse
 * content that is not what the digest names, so the only change a row can take is to be emptied.
 */
export const blobs = pgTable(
  "blobs",
  {
    digest: text().primaryKey(),
    size: integer().notNull(),
    content: bytea(),
    mediaType: text("media_type").notNull(),
    createdAt: instant("created_at").notNull().defaultNow(),
  },
  () => [
    check("blobs_digest_form", sql.raw(`digest ~ '^sha256:[0-9a-f]{64}$'`)),
    check(
      "blobs_content_is_digest",
      sql.raw(
        `content is null or (octet_length(content) = size and digest = 'sha256:' || encode(sha256(content), 'hex'))`,
      ),
    ),
  ],
);
