#!/usr/bin/env node
import { HELP, readOptions } from "./arguments.ts";
import { ForgeError } from "./forge-error.ts";
import { startForge } from "./start-forge.ts";

await main(process.argv.slice(2));

async function main(argv: string[]): Promise<void> {
  if (argv.includes("--help")) {
    process.stdout.write(HELP);
    return;
  }
  const options = readOptions(argv);
  if (typeof options === "string") {
    process.stderr.write(`${options} (--help shows what there is)\n`);
    process.exitCode = 2;
    return;
  }
  try {
    const forge = await startForge(options);
    stopWithParent(() => forge.close());
    // The tokens themselves stay in their files: standard output ends up in logs.
    const { apiUrl, webUrl, cloneUrl, tokenFile, operatorTokenFile, port, requestLog } = forge;
    const facts = { apiUrl, webUrl, cloneUrl, tokenFile, operatorTokenFile, port, requestLog };
    const { controlUrl } = forge;
    process.stdout.write(`${JSON.stringify({ ...facts, controlUrl, pid: process.pid })}\n`);
  } catch (error) {
    const reason = error instanceof ForgeError ? error.message : String(error);
    process.stderr.write(`The forge could not start: ${reason}\n`);
    process.exitCode = 1;
  }
}

/** A parent that was killed cannot say goodbye; its end of the pipe closes all the same. */
function stopWithParent(close: () => Promise<void>): void {
  let stopping: Promise<void> | undefined;
  const stop = (): void => {
    stopping ??= close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.stdin.on("end", stop);
  process.stdin.on("close", stop);
  process.stdin.on("error", stop);
  process.stdin.resume();
}
