import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * The changed and untracked paths of a work tree. A clone's own configuration can name programs for
 * git to run (filters above all) and may be somebody else's, so git looks through a git directory of
 * ours that has no configuration: only objects, index and ignore file are theirs.
 */
export async function uncommittedPaths(
  at: { workTree: string; gitDirectory: string; commonDirectory: string; head: string },
  environment: Record<string, string>,
  except: string,
): Promise<string[]> {
  const own = await mkdtemp(join(tmpdir(), "jarvis-status-"));
  try {
    await mkdir(join(own, "objects", "info"), { recursive: true });
    await mkdir(join(own, "refs"));
    await writeFile(join(own, "HEAD"), `${at.head}\n`);
    const { stdout } = await run(
      "git",
      [
        `--git-dir=${own}`,
        `--work-tree=${at.workTree}`,
        "-c",
        `core.excludesFile=${join(at.commonDirectory, "info", "exclude")}`,
        "status",
        "--porcelain",
        "-z",
        "--untracked-files=normal",
        "--ignore-submodules=all",
      ],
      {
        cwd: at.workTree,
        env: {
          ...environment,
          GIT_INDEX_FILE: join(at.gitDirectory, "index"),
          GIT_ALTERNATE_OBJECT_DIRECTORIES: alternate(join(at.commonDirectory, "objects")),
        },
        maxBuffer: 2 ** 26,
      },
    );
    const inside = relative(at.workTree, except);
    return parsePorcelain(stdout).filter(
      (path) => path !== inside && !path.startsWith(`${inside}/`),
    );
  } catch {
    // A bare repository has no work tree, so nothing can be uncommitted.
    return [];
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

/** git separates alternates by colons; a path that holds one is quoted. */
function alternate(path: string): string {
  return `"${path.replaceAll(/[\\"]/g, String.raw`\$&`)}"`;
}

/** Entries are `XY path`, each ended by NUL; a rename or copy is followed by the old path alone. */
export function parsePorcelain(text: string): string[] {
  const entries = text.split("\0");
  const paths: string[] = [];
  for (let index = 0; index < entries.length; index += 1) {
    const entry = entries[index] ?? "";
    if (entry.length <= 3) continue;
    paths.push(entry.slice(3));
    if (/^[RC]|^.[RC]/.test(entry)) {
      index += 1;
      paths.push(entries[index] ?? "");
    }
  }
  return paths;
}
