import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { tool } from "./tool.ts";

const MODULE = new URL("../../../dist/builtin/shell/tool.js", import.meta.url).href;
const signal = new AbortController().signal;

describe("shell", () => {
  it("answers what a command prints and how it ends, without this process's environment", async () => {
    expect(
      await tool.execute({ command: "echo out; echo err >&2; env | wc -l; exit 3" }, { signal }),
    ).toMatchObject({ exitCode: 3, stderr: "err\n", timedOut: false });
    const { stdout } = (await tool.execute({ command: "env" }, { signal })) as { stdout: string };
    const names = stdout.split("\n").map((line) => line.split("=")[0]);
    expect(names).not.toContain("VITEST");
  });

  it("ends what takes too long or is stopped, with everything that it began", async () => {
    const slow = { command: "sleep 60 & sleep 60", timeoutMs: 200 };
    expect(await tool.execute(slow, { signal })).toMatchObject({
      signal: "SIGKILL",
      timedOut: true,
    });
    const stopped = tool.execute({ command: "sleep 60" }, { signal: AbortSignal.timeout(200) });
    await expect(stopped).rejects.toThrow("was stopped");
  });

  it("fails where this process has no descriptors left, and nothing else does", () => {
    const exhausted = `
      import { openSync } from "node:fs";
      import { tool } from ${JSON.stringify(MODULE)};
      try { for (;;) openSync("/dev/null", "r"); } catch {}
      const { signal } = new AbortController();
      const asked = tool.execute({ command: "true", timeoutMs: 1000 }, { signal });
      const failed = await asked.catch((error) => error);
      process.on("exit", () => console.log(failed.message));`;
    const script = 'ulimit -n 400; exec "$0" --input-type=module --eval "$1"';
    const said = execFileSync("bash", ["-c", script, process.execPath, exhausted], {
      encoding: "utf8",
    });
    expect(said).toContain("EMFILE");
  });

  it("keeps the end of a long output", async () => {
    const { stdout } = (await tool.execute({ command: "seq 100000" }, { signal })) as {
      stdout: string;
    };
    expect(stdout.length).toBeLessThanOrEqual(32_000);
    expect(stdout.endsWith("100000\n")).toBe(true);
  });
});
