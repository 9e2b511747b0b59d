import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { parseAllDocuments } from "yaml";

/*
 * A program of its own (`read-yaml.ts` starts it): a line with a text comes in, a line with its
 * documents goes out, or `null` for what is no YAML. The text is a candidate's, and a few hundred
 * kilobytes of it can keep the parser busy for hours.
 */

for await (const line of createInterface({ input: process.stdin })) {
  writeSync(1, `${JSON.stringify(documentsIn(JSON.parse(line) as string))}\n`);
}

function documentsIn(text: string): unknown[] | null {
  try {
    const all = parseAllDocuments(text);
    if (!Array.isArray(all) || all.some(({ errors }) => errors.length > 0)) return null;
    return all.map((document) => document.toJS({ maxAliasCount: 0 }) as unknown);
  } catch {
    return null;
  }
}
