/** What bubblewrap says on its status descriptor, which the candidate never holds. */
export interface BwrapStatus {
  /** Process id, as the host sees it, of the sandbox's init: with it the whole tree dies. */
  initPid: number | undefined;
  /** Exit status of the candidate's main process; absent when it never began or was killed with its init. */
  exitStatus: number | undefined;
}

// Two lines of some hundred bytes; anything longer is not bubblewrap.
const longestText = 64 * 1024;

/** Reads the documents, one a line, as they arrive. */
export class StatusReader {
  readonly status: BwrapStatus = { initPid: undefined, exitStatus: undefined };
  #rest = "";

  push(text: string): void {
    if (this.#rest.length > longestText) return;
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#read(line);
  }

  #read(line: string): void {
    if (line.trim() === "") return;
    let document: unknown;
    try {
      document = JSON.parse(line);
    } catch {
      return; // Without an exit status the run is an infrastructure error already.
    }
    this.status.initPid ??= integerField(document, "child-pid");
    this.status.exitStatus ??= integerField(document, "exit-code");
  }
}

function integerField(document: unknown, name: string): number | undefined {
  if (typeof document !== "object" || document === null) return undefined;
  const value: unknown = Reflect.get(document, name);
  return typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : undefined;
}
