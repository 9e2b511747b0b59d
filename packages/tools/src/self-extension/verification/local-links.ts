import { posix } from "node:path";
import { z } from "zod";
import { listTree, readBlobs, type Mirror } from "../git/mirror.ts";
import { parseOrNull, type LocalLink, type Problem } from "./lockfiles.ts";

const manifest = z.looseObject({ name: z.string() });

/**
 * Links under another name than their folder's own package has. Who imports such a name gets files of
 * the repository that nobody follows from the import: code of the kernel that no approval is asked for.
 */
export async function linkProblems(
  mirror: Mirror,
  tree: string,
  links: readonly LocalLink[],
): Promise<Problem[]> {
  const wanted = new Set(links.map(manifestOf));
  const entries = (await listTree(mirror, tree)).filter(({ path }) => wanted.has(path));
  const blobs = await readBlobs(
    mirror,
    entries.map(({ sha }) => sha),
  );
  const names = new Map(entries.map(({ path, sha }) => [path, nameIn(blobs.get(sha))]));
  return links.flatMap((link) => {
    const { file, name, directory } = link;
    const found = names.get(manifestOf(link));
    if (found === name) return [];
    const called = found == null ? "holds no package" : `holds the package ${found}`;
    const sentence = `${file}: ${name} is linked to ${directory}, which ${called}; a folder is linked under its package's own name.`;
    return [{ sentence, entry: JSON.stringify([file, name, directory, found ?? null]) }];
  });
}

function manifestOf({ directory }: LocalLink): string {
  return posix.join(directory, "package.json");
}

function nameIn(blob: Buffer | undefined): string | null {
  const read = parseOrNull(() => JSON.parse(blob?.toString("utf8") ?? "") as unknown);
  return manifest.safeParse(read).data?.name ?? null;
}
