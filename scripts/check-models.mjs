// Checks the models in docs/models with spin: the design that is built keeps the property, and each
// of the others is seen to lose it, so that the property is one that can be lost. Prints the states
// that were explored. Without spin or a C compiler it says what to install and checks nothing.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const model = fileURLToPath(new URL("../docs/models/promotion.pml", import.meta.url));

/** Every variant of the model, and whether the property has to hold. */
const variants = [
  { name: "switch read before acting", defines: ["DESIGN=0"], holds: false },
  { name: "intents, holder killed, no fence, late requests", defines: ["DESIGN=1"], holds: false },
  {
    name: "intents, holder killed, no fence, requests awaited",
    defines: ["DESIGN=1", "LATE=0"],
    holds: true,
  },
  { name: "intents that expire", defines: ["DESIGN=2", "LATE=0"], holds: false },
  { name: "as built", defines: ["DESIGN=3"], holds: true },
  { name: "as built, but earlier openings forgotten", defines: ["DESIGN=4"], holds: false },
  { name: "as built, but openings repeated", defines: ["DESIGN=5"], holds: false },
  { name: "as built, but opened again too early", defines: ["DESIGN=6"], holds: false },
];

const isRequired = process.argv.includes("--required");
const missing = ["spin", "gcc"].filter((program) => spawnSync(program, ["--version"]).error);
if (missing.length > 0) {
  console.log(
    `The models are not checked: ${missing.join(" and ")} is missing; run \`apt-get install spin gcc\` and try again.`,
  );
  process.exit(isRequired ? 1 : 0);
}

let failures = 0;
for (const { name, defines, holds } of variants) {
  const { isViolated, states } = check(defines);
  const isRight = isViolated !== holds;
  if (!isRight) failures += 1;
  const verdict = isViolated ? "is lost" : "holds";
  console.log(
    `${isRight ? "ok  " : "FAIL"} ${name.padEnd(52)} the property ${verdict.padEnd(7)} (${states} states)`,
  );
}
process.exit(failures === 0 ? 0 : 1);

/** Explores all of a variant's states, or as many as it takes to lose the property. */
function check(defines) {
  const cwd = mkdtempSync(join(tmpdir(), "jarvis-model-"));
  try {
    run(cwd, "spin", ["-a", ...defines.map((define) => `-D${define}`), model]);
    run(cwd, "gcc", ["-O2", "-w", "-DSAFETY", "-o", "pan", "pan.c"]);
    // Processes that stand still for ever are part of the model, so ends are not looked at.
    const said = run(cwd, "./pan", ["-m100000", "-E"]);
    const states = Number(/(\d+) states, stored/.exec(said)?.[1]);
    const errors = Number(/errors: (\d+)/.exec(said)?.[1]);
    // A search that was cut off says nothing about what it has not seen.
    if (Number.isNaN(states) || Number.isNaN(errors) || /max search depth too small/.test(said)) {
      throw new Error(`spin did not finish: ${said}`);
    }
    return { isViolated: errors > 0, states };
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

function run(cwd, program, args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (error !== undefined || status !== 0) {
    throw error ?? new Error(`${program} ended with ${status}: ${stdout}${stderr}`);
  }
  return stdout;
}
