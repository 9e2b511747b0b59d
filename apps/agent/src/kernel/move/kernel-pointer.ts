import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeDurably } from "@jarvis/db";
import type { BaselinePointer } from "@jarvis/tools/self-extension";
import { z } from "zod";

/** A blessed release that lies ready to be started as the kernel. */
export const kernelRelease = z.object({
  directory: z.string().min(1),
  /** The kernel's program in it. */
  program: z.string().min(1),
  /** What the files of the directory add up to; the launcher compares it at every start. */
  filesDigest: z.string(),
  releaseDigest: z.string(),
  sha: z.string(),
  /** Why the launcher left it out, and since when; it is passed over from then on. */
  leftOut: z.object({ why: z.string(), at: z.iso.datetime() }).nullable(),
});
export type KernelRelease = z.infer<typeof kernelRelease>;

/** So many can be fallen back to before the program beside the launcher. */
export const KEPT_KERNELS = 3;

/**
 * The releases that the launcher starts the kernel from, the newest first. What cannot be read is
 * empty: the launcher says so and starts the program beside it, and the next blessing writes it anew.
 */
export function readKernelPointer(releases: string): readonly KernelRelease[] {
  try {
    const text = readFileSync(pathIn(releases), "utf8");
    return z.array(kernelRelease).parse(JSON.parse(text));
  } catch {
    return [];
  }
}

export function writeKernelPointer(releases: string, pointer: readonly KernelRelease[]): void {
  writeDurably(pathIn(releases), `${JSON.stringify(pointer, null, 2)}\n`);
}

/**
 * The prepared releases that are blessed now, in the order of their blessings. The release that
 * Jarvis started with passed no window and is none of them; one that was blessed again after it was
 * left out gets another try. Pure.
 */
export function kernelsOf(
  { current, earlier }: BaselinePointer,
  prepared: readonly KernelRelease[],
): KernelRelease[] {
  return [current, ...earlier]
    .flatMap(({ releaseDigest, window, blessedAt }) => {
      const kernel = prepared.find((each) => each.releaseDigest === releaseDigest);
      if (kernel === undefined || window === null) return [];
      const isOver = kernel.leftOut !== null && kernel.leftOut.at < blessedAt;
      return [isOver ? { ...kernel, leftOut: null } : kernel];
    })
    .slice(0, KEPT_KERNELS);
}

function pathIn(releases: string): string {
  return join(releases, "kernel-pointer.json");
}
