import { parseArgs } from "node:util";
import { smoke } from "./smoke.ts";

/**
 * The agent's program, as it is built and released. `--smoke` starts everything that needs no
 * sandbox and no repository host, answers questions about the tools and stops in order; with
 * `--state DIR` its database is kept there for the next start.
 */
const { values } = parseArgs({
  options: { smoke: { type: "boolean" }, state: { type: "string" } },
});
if (values.smoke === true) {
  await smoke(values.state ?? null);
} else {
  process.stderr.write(
    "The agent's body is started by the kernel; run `jarvis up`, or this program with --smoke.\n",
  );
  process.exitCode = 2;
}
