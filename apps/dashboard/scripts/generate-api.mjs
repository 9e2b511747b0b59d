// Writes what the page knows of the API: the description as the kernel's program prints it, and the
// types made of it. `api-drift.test.ts` fails while they are not those of the program.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import openapiTypescript, { astToString } from "openapi-typescript";

const program = fileURLToPath(new URL("../../agent/dist/openapi-document.js", import.meta.url));

/** The description that the built kernel gives. */
export function readDescription() {
  return execFileSync(process.execPath, [program], { encoding: "utf8", maxBuffer: 2 ** 26 });
}

/** The types that the page is compiled against, and the words that it lists. */
export async function typesOf(description) {
  const document = JSON.parse(description);
  const types = astToString(await openapiTypescript(document));
  const eventTypes = document.components.schemas.Event.properties.type.enum;
  return [
    "// Made by scripts/generate-api.mjs; pnpm --filter @jarvis/dashboard api makes it again.\n",
    types,
    `export const eventTypes = ${JSON.stringify(eventTypes)} as const;\n`,
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const description = readDescription();
  writeFileSync(new URL("../openapi.json", import.meta.url), description);
  writeFileSync(new URL("../src/api/schema.ts", import.meta.url), await typesOf(description));
}
