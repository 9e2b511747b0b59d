import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MIB = 2 ** 20;

/** A file system of its own that can be filled. */
export interface SmallDisk {
  readonly directory: string;
  freeMebibytes(): number;
  /** Fills it until no more than so much is free. */
  fillTo(mebibytes: number): void;
  empty(): void;
  remove(): void;
}

/** Only root may mount one. */
export const canMount = process.getuid?.() === 0;

export function smallDisk(mebibytes: number): SmallDisk {
  const directory = mkdtempSync(join(tmpdir(), "jarvis-disk-"));
  const options = `size=${mebibytes}m,mode=0700`;
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "jarvis-test", directory]);
  const filler = join(directory, "filler");
  const freeMebibytes = (): number => {
    const { bavail, bsize } = statfsSync(directory);
    return (bavail * bsize) / MIB;
  };
  return {
    directory,
    freeMebibytes,
    fillTo(rest) {
      const bytes = Math.floor((freeMebibytes() - rest) * MIB);
      try {
        if (bytes > 0) writeFileSync(filler, Buffer.alloc(bytes, 1), { flag: "a" });
      } catch (error) {
        // Somebody else wrote meanwhile: it is full all the same.
        const isFull = error instanceof Error && "code" in error && error.code === "ENOSPC";
        if (!isFull) throw error;
      }
    },
    empty: () => rmSync(filler, { force: true }),
    remove() {
      // Detached at once, whatever still has a file of it open.
      execFileSync("umount", ["--lazy", directory]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
