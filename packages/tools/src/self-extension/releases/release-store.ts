import { chmod, copyFile, mkdir, readdir, rename, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { syncDirectory } from "@jarvis/db";
import { collectOutput, removeOutput } from "@jarvis/sandbox";
import { listTree, type Mirror } from "../git/mirror.ts";
import { pathExists } from "../verification/path-exists.ts";
import { outputLimits, type OutputDirectory } from "../verification/stage-world.ts";
import { writeWorkspace } from "../verification/workspace.ts";
import { checkRelease, isBelow, refuse, releasePlace, type ReleaseCheck } from "./check-release.ts";
import { FILES, MANIFEST, type ReleaseManifest } from "./release-manifest.ts";
import { discard, passingName } from "./retention.ts";

/** What verification built and tested, to be kept under its name. */
export interface ReleaseRequest {
  readonly mirror: Mirror;
  /** The name that the evidence gave it; what is written has to have the same. */
  readonly releaseDigest: string;
  readonly treeSha: string;
  readonly lockfileDigest: string | null;
  readonly nodeVersion: string;
  /** Each with the files of one output path of the repository; nothing writes there any more. */
  readonly outputs: readonly OutputDirectory[];
  /** Files of an incremental compiler and the like, by repository path: no part of the release. */
  readonly isLeftOut: (path: string) => boolean;
  readonly dependencies: { readonly key: string; readonly nodeModules: readonly string[] } | null;
}

/**
 * Writes a release into the store, read-only, and only if what was written is the release of the
 * digest: the tree from its blobs, the build's files copied over, everything read back from the disk
 * and checked as at every start, and renamed into its place. Repeating it is harmless; a
 * crash leaves a scratch directory that `sweepReleases` removes.
 *
 * Installing gives no permission to run: see `admitRelease`.
 */
export async function installRelease(
  directory: string,
  request: ReleaseRequest,
): Promise<ReleaseCheck> {
  const prepared = await prepareRelease(directory, request);
  try {
    return await prepared.install();
  } finally {
    await prepared.discard();
  }
}

/** A release that is written and checked, and in nobody's way: it has its place once it is installed. */
export interface PreparedRelease {
  install(): Promise<ReleaseCheck>;
  /** Removes what was written, where it was not installed. */
  discard(): Promise<void>;
}

/** All of `installRelease` but the rename, for who wants to write while something else decides. */
export async function prepareRelease(
  directory: string,
  request: ReleaseRequest,
): Promise<PreparedRelease> {
  const place = releasePlace(directory, request.releaseDigest);
  if (await pathExists(place)) {
    const present = await checkRelease(place, request.releaseDigest);
    const answer = async (): Promise<ReleaseCheck> => await Promise.resolve(present);
    if (present.ok) return { install: answer, discard: async () => await Promise.resolve() };
    // What lies there is damaged: it never runs again, and makes room for the same in order.
    await discard(directory, place);
  }
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const scratch = join(directory, passingName("new"));
  const remove = async (): Promise<void> => await removeOutput(scratch);
  try {
    const written = await write(scratch, request);
    if (written.ok) await makeReadOnly(scratch);
    return {
      discard: remove,
      async install() {
        if (!written.ok) return written;
        // Another installation of the same release may have been faster; both are the same.
        await rename(scratch, place).catch(async (error: unknown) => {
          if (!(await pathExists(place))) throw error;
        });
        syncDirectory(directory);
        return { ...written, directory: join(place, FILES) };
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function write(scratch: string, request: ReleaseRequest): Promise<ReleaseCheck> {
  const files = join(scratch, FILES);
  const entries = await listTree(request.mirror, request.treeSha);
  const outputs = request.outputs.map(({ path }) => path);
  const twice = outputs.find((path, index) => isBelow(outputs.toSpliced(index, 1))(path));
  if (twice !== undefined) {
    return refuse("outputs-overlap", `Two builds write ${twice}; let one of them do it.`);
  }
  const hidden = entries.find(({ path }) => isBelow(outputs)(path));
  if (hidden !== undefined) {
    return refuse(
      "outputs-hide-tree",
      `The build writes over ${hidden.path}, which the repository holds; let one of them go.`,
    );
  }
  await mkdir(scratch, { mode: 0o755 });
  await writeWorkspace(request.mirror, request.treeSha, files, { entries });
  for (const output of request.outputs) await copyOutput(output, files, request.isLeftOut);
  for (const path of request.dependencies?.nodeModules ?? []) {
    // A place to mount on: a read-only tree cannot be given one later.
    await mkdir(join(files, path), { recursive: true, mode: 0o755 });
  }
  const manifest: ReleaseManifest = {
    version: 1,
    releaseDigest: request.releaseDigest,
    treeSha: request.treeSha,
    lockfileDigest: request.lockfileDigest,
    nodeVersion: request.nodeVersion,
    outputs,
    submodules: entries
      .filter(({ type }) => type === "commit")
      .map(({ path, sha }) => ({ path, sha })),
    dependencies: request.dependencies && {
      key: request.dependencies.key,
      nodeModules: [...request.dependencies.nodeModules],
    },
  };
  await writeFile(join(scratch, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, {
    mode: 0o644,
  });
  return await checkRelease(scratch, request.releaseDigest);
}

/** The listing refuses links and everything else that is no plain file; what is copied is checked again. */
async function copyOutput(
  output: OutputDirectory,
  files: string,
  isLeftOut: (path: string) => boolean,
): Promise<void> {
  const copied = (await collectOutput(output.hostPath, outputLimits))
    .map(({ path, mode }) => ({
      from: join(output.hostPath, path),
      path: `${output.path}/${path}`,
      mode,
    }))
    .filter(({ path }) => !isLeftOut(path));
  for (const parent of new Set([output.path, ...copied.map(({ path }) => dirname(path))])) {
    await mkdir(join(files, parent), { recursive: true, mode: 0o755 });
  }
  await inParallel(copied, async ({ from, path, mode }) => {
    await copyFile(from, join(files, path));
    await chmod(join(files, path), mode === "100755" ? 0o755 : 0o644);
  });
}

/**
 * A release as it may run: its bytes are those of the digest, and its tree was verified by us or
 * accepted by a person. `isAttested` is asked last and has to say true; whatever it throws is thrown.
 */
export async function admitRelease(
  directory: string,
  releaseDigest: string,
  isAttested: (treeSha: string) => Promise<boolean>,
): Promise<ReleaseCheck> {
  const check = await checkRelease(releasePlace(directory, releaseDigest), releaseDigest);
  if (!check.ok) return check;
  if (await isAttested(check.manifest.treeSha)) return check;
  return refuse(
    "not-attested",
    `Nobody vouches for tree ${check.manifest.treeSha}; verify it, or accept it with jarvis accept.`,
  );
}

/**
 * Files and directories lose their write bits. They are not flushed one by one: what a crash of the
 * machine loses is noticed by the check at every start, and built again.
 */
async function makeReadOnly(scratch: string): Promise<void> {
  const entries = await readdir(scratch, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  await inParallel(files, async (entry) => {
    const path = join(entry.parentPath, entry.name);
    await chmod(path, ((await stat(path)).mode & 0o100) === 0 ? 0o444 : 0o555);
  });
  // Its own directory keeps its write bit: renaming a directory writes into it.
  const directories = entries.filter((entry) => entry.isDirectory());
  await inParallel(directories, async (entry) => {
    await chmod(join(entry.parentPath, entry.name), 0o555);
  });
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const take = async (): Promise<void> => {
    for (let item = queue.pop(); item !== undefined; item = queue.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: 16 }, take));
}
