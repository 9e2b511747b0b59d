// Writes docs/jarvis.config.schema.json from the schema that the kernel parses with.
import { writeFileSync } from "node:fs";
import { guardConfigSchema } from "../packages/tools/dist/self-extension/index.js";

writeFileSync(
  new URL("../docs/jarvis.config.schema.json", import.meta.url),
  `${JSON.stringify(guardConfigSchema(), null, 2)}\n`,
);
