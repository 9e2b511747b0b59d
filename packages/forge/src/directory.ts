import { randomBytes } from "node:crypto";
import { chmod, link, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { ForgeError } from "./forge-error.ts";

/** What lies beside the repository in a forge's directory. */
export interface ForgeDirectory {
  path: string;
  tokenFile: string;
  token: string;
  operatorTokenFile: string;
  operatorToken: string;
  requestLog: string;
  /**
   * Ports in the order to try. Where the same port is preferred as last time, the one that was got
   * then comes first, so that URLs stay good; another preference is a new wish.
   */
  wantedPorts(preferred: number | undefined): number[];
  rememberPort(port: number, preferred: number | undefined): Promise<void>;
  /** Gives the directory free for another forge. */
  release(): Promise<void>;
}

/** Makes the directory (0700) if needed and takes it for this process alone. */
export async function openDirectory(path: string): Promise<ForgeDirectory> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const owner = (await stat(path)).uid;
  const self = process.getuid?.() ?? owner;
  if (owner !== self) {
    throw new ForgeError(
      "directory-unusable",
      `${path} belongs to user ${owner} and not to user ${self}, so the forge keeps no tokens there.`,
    );
  }
  await chmod(path, 0o700);
  const lock = join(path, "lock");
  await takeLock(lock);
  const tokenFile = join(path, "token");
  const operatorTokenFile = join(path, "operator-token");
  const portFile = join(path, "port");
  const [port, wished] = (await readFile(portFile, "utf8").catch(() => ""))
    .split("\n")
    .map(readPort);
  return {
    path,
    tokenFile,
    token: await readOrMakeToken(tokenFile),
    operatorTokenFile,
    operatorToken: await readOrMakeToken(operatorTokenFile),
    requestLog: join(path, "requests.ndjson"),
    wantedPorts: (preferred) =>
      (preferred === undefined || preferred === wished ? [port, preferred] : [preferred]).filter(
        (each) => each !== undefined,
      ),
    rememberPort: (taken, preferred) => replaceFile(portFile, `${taken}\n${preferred ?? ""}\n`),
    release: () => rm(lock, { force: true }),
  };
}

function readPort(text: string): number | undefined {
  const port = /^\d{1,5}$/u.test(text) ? Number(text) : 0;
  return port > 0 && port < 65_536 ? port : undefined;
}

async function readOrMakeToken(file: string): Promise<string> {
  const present = (await readFile(file, "utf8").catch(() => "")).trim();
  if (present.length >= 32) {
    await chmod(file, 0o600);
    return present;
  }
  const token = `jf_${randomBytes(32).toString("base64url")}`;
  await replaceFile(file, `${token}\n`);
  return token;
}

/** Readers see the old content or the new one, never half of it, and never without its mode. */
async function replaceFile(file: string, content: string): Promise<void> {
  const temporary = `${file}.${process.pid}`;
  await rm(temporary, { force: true });
  await writeFile(temporary, content, { mode: 0o600, flag: "wx" });
  await rename(temporary, file);
}

/**
 * A file that names the process that holds the directory. `link` settles the race: of two forges
 * that start at once, one makes the file and the other finds it.
 */
async function takeLock(lock: string): Promise<void> {
  const mine = `${lock}.${process.pid}.${randomBytes(4).toString("hex")}`;
  const identity = `${process.pid} ${await startTime(process.pid)}`;
  await writeFile(mine, identity, { mode: 0o600, flag: "wx" });
  try {
    // Twice: once more after a dead holder's file was put away.
    for (const attempt of [1, 2]) {
      const taken = await link(mine, lock).then(
        () => true,
        () => false,
      );
      if (taken) return;
      const holder = await readFile(lock, "utf8").catch(() => "");
      const [pid = "", started = ""] = holder.split(" ");
      if (attempt === 2 || (pid !== "" && (await startTime(Number(pid))) === started)) {
        throw new ForgeError(
          "directory-in-use",
          `Another forge (process ${pid || "unknown"}) serves ${lock.replace(/\/lock$/u, "")}.`,
        );
      }
      await rm(lock, { force: true });
    }
  } finally {
    await rm(mine, { force: true });
  }
}

/** When a process started: a pid alone may name another process by now. "gone" when there is none. */
async function startTime(pid: number): Promise<string> {
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // The name in parentheses may hold spaces; the start time is the 20th field after it.
  if (status !== undefined) {
    const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
    // A zombie holds nothing any more.
    return fields[0] === "Z" ? "gone" : (fields[19] ?? "gone");
  }
  try {
    process.kill(pid, 0);
    return process.platform === "linux" ? "gone" : "alive";
  } catch {
    return "gone";
  }
}
