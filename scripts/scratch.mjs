// Where tests keep what they make: in memory if the machine has room for it, for they make tens of
// thousands of small files, and a file system on disk spends a sixth of the processor's time on that.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const IN_MEMORY = "/dev/shm";
const NAME = "jarvis-test-";
/** With the process that made it. */
const leftover = new RegExp(`^${NAME}(\\d+)-\\w+$`);
const GIB = 1024 ** 3;
/** Several times what the tests hold at a time. */
const ROOM = 2 * GIB;
/** And what has to be left for the tests' own processes. */
const MEMORY = ROOM + 4 * GIB;

/** Makes a directory for scratch; whoever asked removes it. */
export function makeScratch() {
  if (!existsSync(IN_MEMORY)) return make(tmpdir());
  removeLeftovers();
  if (!hasRoomInMemory()) return make(tmpdir());
  const scratch = make(IN_MEMORY);
  if (canExecute(scratch)) return scratch;
  rmSync(scratch, { recursive: true, force: true });
  return make(tmpdir());
}

function make(parent) {
  const directory = mkdtempSync(join(parent, `${NAME}${process.pid}-`));
  // As root the database is another user's, whose files lie below.
  chmodSync(directory, 0o711);
  return directory;
}

/** What a run that was killed left behind would hold memory until the machine is started again. */
function removeLeftovers() {
  for (const name of readdirSync(IN_MEMORY)) {
    const [, pid] = leftover.exec(name) ?? [];
    if (pid === undefined || isRunning(Number(pid))) continue;
    try {
      rmSync(join(IN_MEMORY, name), { recursive: true, force: true });
    } catch {
      // Another user's, who removes it.
    }
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function hasRoomInMemory() {
  const { bavail, bsize } = statfsSync(IN_MEMORY);
  return bavail * bsize >= ROOM && process.availableMemory() >= MEMORY;
}

/** Tests start programs that they wrote; such a file system may forbid that. */
function canExecute(directory) {
  const program = join(directory, "program");
  writeFileSync(program, "#!/bin/sh\nexit 0\n", { mode: 0o755 });
  const { status } = spawnSync(program, { stdio: "ignore" });
  rmSync(program);
  return status === 0;
}
