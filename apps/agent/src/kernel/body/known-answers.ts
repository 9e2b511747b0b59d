import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Json } from "../../body/protocol.ts";

/** An input whose answer is declared: an output, or an error with this text in its sentence. */
export interface KnownAnswer {
  readonly tool: string;
  readonly input: Json;
  readonly expected: { readonly output: Json } | { readonly error: string };
}

/** Where the built-in tools and their examples lie in the tree of a release. */
const BUILTIN = "packages/tools/src/builtin";
const LARGEST_FILE = 1024 * 1024;

const json = z.custom<Json>((value) => value !== undefined);
const exampleFile = z.object({
  tool: z.string(),
  examples: z
    .array(
      z.union([
        z.object({ input: json, error: z.string().min(1) }),
        z.object({ input: json, output: json }),
      ]),
    )
    .min(1),
});

/**
 * What is known about the answers of a release: for tools that the baseline has, by the baseline's
 * examples, because a change must not loosen what it is held to; a new tool is held to its own.
 * Without a baseline the release's own are all there is.
 */
export async function knownAnswers(
  serving: { directory: string },
  baseline: { directory: string } | null,
): Promise<readonly KnownAnswer[]> {
  const own = await readExamples(serving.directory);
  const attested = baseline === null ? own : await readExamples(baseline.directory);
  return [...new Map([...own, ...attested]).values()].flat();
}

/**
 * The examples in a release's tree, by tool. They are data of a change: a file that is no file of
 * examples, or speaks for another tool than its folder's, is passed over, and what is then not asked
 * is an exposure less.
 */
async function readExamples(directory: string): Promise<ReadonlyMap<string, KnownAnswer[]>> {
  const found = new Map<string, KnownAnswer[]>();
  const root = join(directory, BUILTIN);
  for (const tool of await namesIn(root)) {
    const files = (await namesIn(join(root, tool))).filter((name) =>
      /^examples[^/]*\.json$/.test(name),
    );
    const answers: KnownAnswer[] = [];
    for (const file of files) answers.push(...(await readFileOf(tool, join(root, tool, file))));
    if (answers.length > 0) found.set(tool, answers);
  }
  return found;
}

async function namesIn(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch(() => []);
  return names.toSorted((a, b) => (a < b ? -1 : 1));
}

async function readFileOf(tool: string, path: string): Promise<KnownAnswer[]> {
  const stats = await lstat(path);
  if (!stats.isFile() || stats.size > LARGEST_FILE) return [];
  const file = exampleFile.safeParse(parseJson(await readFile(path, "utf8")));
  if (!file.success || file.data.tool !== tool) return [];
  return file.data.examples.map((example) => ({
    tool,
    input: example.input,
    expected: "error" in example ? { error: example.error } : { output: example.output },
  }));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
