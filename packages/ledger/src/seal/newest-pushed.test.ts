import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readNewestPushed, writeNewestPushed } from "./newest-pushed.ts";

it("the newest pushed checkpoint is kept, and is none where it cannot be read", () => {
  const stateDirectory = mkdtempSync(join(tmpdir(), "jarvis-pushed-"));
  try {
    mkdirSync(join(stateDirectory, "ledger"));
    expect(readNewestPushed(stateDirectory)).toBeNull();
    // What a process of the same number left there, or somebody put there, is in nobody's way.
    mkdirSync(join(stateDirectory, `ledger/pushed.${process.pid}.new`));
    const anchor = { size: 7, root: "A=", origin: "a ledger", where: "a ref" };
    writeNewestPushed(stateDirectory, { ...anchor, isOwn: true });
    expect(readNewestPushed(stateDirectory)).toEqual(anchor);
    for (const text of ["", "{", '{"size":0}', JSON.stringify({ ...anchor, where: 1 })]) {
      writeFileSync(join(stateDirectory, "ledger/pushed"), text);
      expect(readNewestPushed(stateDirectory)).toBeNull();
    }
  } finally {
    rmSync(stateDirectory, { recursive: true, force: true });
  }
});
