import { fileURLToPath } from "node:url";
import { z } from "zod";
import { answersOf } from "../line-program.ts";
import { parseOrNull } from "./lockfiles.ts";

// Built, from wherever this is loaded: a program is started without a loader.
const PROGRAM = fileURLToPath(
  new URL("../../../dist/self-extension/verification/parse-yaml.js", import.meta.url),
);

// A large lockfile takes a second.
const LIMIT_MS = 20_000;

const documents = z.array(z.unknown()).nullable();

/** The documents of a text, as plain data; null for one that is no YAML, or that no parser gets through in time. */
export async function readYaml(text: string): Promise<readonly unknown[] | null> {
  const [answer] = await answersOf(PROGRAM, [JSON.stringify(text)], LIMIT_MS);
  const read = parseOrNull(() => JSON.parse(answer ?? "null") as unknown);
  return documents.safeParse(read).data ?? null;
}
