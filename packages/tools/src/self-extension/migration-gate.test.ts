import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { approve, releaseOf, settle } from "../testing/approval.ts";
import { plainProject, type TestRepository } from "../testing/git-repository.ts";
import { makeTestWorld, type TestWorld } from "../testing/pipeline-world.ts";

let world: TestWorld;
let repository: TestRepository;

beforeAll(async () => {
  repository = plainProject(migratingProject);
  world = await makeTestWorld(repository);
});

afterAll(async () => {
  await world.close();
  repository.remove();
});

describe("a change that migrates what the base has stored", () => {
  it("passes where the base goes on with it", async () => {
    const run = await world.propose(
      repository.patch({ "migrations/2.mjs": "export default (row) => ({ ...row, age: 1 });\n" }),
    );
    expect(run.result).toMatchObject({ status: "promoted", blockReasons: [] });
    expect(stagesOf(run)).toEqual(["tests passed", "way-back passed"]);
  });

  it("does not need that where it migrates nothing", async () => {
    const run = await world.propose(repository.patch({ "src/two.js": "export const two = 2;\n" }));
    expect(stagesOf(run)).toEqual(["tests passed"]);
  });

  it("is refused where it does not run on the base's data itself", async () => {
    const run = await world.propose(
      repository.patch({ "migrations/3.mjs": `throw new Error("broken");\n` }),
    );
    expect(run.result).toMatchObject({
      status: "blocked",
      blockReasons: ["isolated-verification-failed"],
      verificationFailedStage: "way-back",
    });
    expect(run.result.verificationFailureReason).toContain("does not run on the base's data");
  });

  it("waits for a person where it leaves the base no way back, and goes on only with one", async () => {
    const run = await world.propose(repository.patch(renaming));
    expect(run.result).toMatchObject({
      status: "parked",
      blockReasons: ["migration-irreversible"],
      verificationFailedStage: "way-back",
      verificationFailureCategory: "migration-irreversible",
    });
    const { parameters } = await releaseOf(world, run.state.runId);
    expect(parameters.findings.map(({ path }) => path)).toEqual(["migrations/3.mjs"]);
    const promotions = (): number =>
      world.mutations().filter(({ method }) => method === "POST").length;
    const before = promotions();
    // Nobody has looked yet: another attempt asks again and promotes nothing.
    const again = await world.attempt(run.state.runId, 2);
    expect(again.result).toMatchObject({
      status: "parked",
      blockReasons: ["migration-irreversible"],
    });
    expect(promotions()).toBe(before);
    await approve(world, run.state.runId);
    const done = await settle(world, run.state.runId);
    expect(done.result).toMatchObject({ success: true, status: "promoted" });
    // Let pass, not hidden: what was found stands in the evidence.
    const stage = done.result.verificationDiagnostics.find(({ name }) => name === "way-back");
    expect(stage?.reason).toContain("no way back");
  });
});

describe("a migration stage that shows nothing", () => {
  it("is not believed: a program that stores nothing has migrated nothing", async () => {
    const forgetful = plainProject({
      ...migratingProject,
      "main.mjs": `console.log("fine");\n`,
    });
    const other = await makeTestWorld(forgetful);
    const run = await other.propose(
      forgetful.patch({ "migrations/2.mjs": "export default (row) => row;\n" }),
    );
    expect(run.result).toMatchObject({
      status: "blocked",
      blockReasons: ["verdict-not-trusted"],
      verificationFailedStage: "way-back",
    });
    await other.close();
    forgetful.remove();
  });
});

function stagesOf(run: Awaited<ReturnType<TestWorld["propose"]>>): string[] {
  return run.result.verificationDiagnostics.map(({ name, status }) => `${name} ${status}`);
}

/** A program that migrates one stored row, as many times as it has migrations, and then reads it. */
const program = `import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
const kept = "/data/row.json";
let { version, row } = existsSync(kept) ? JSON.parse(readFileSync(kept, "utf8")) : { version: 0, row: {} };
for (const file of readdirSync("migrations").sort()) {
  const number = Number.parseInt(file);
  if (number <= version) continue;
  row = (await import("./migrations/" + file)).default(row);
  version = number;
}
writeFileSync(kept, JSON.stringify({ version, row }));
const { read } = await import("./src/read.mjs");
console.log(read(row).toUpperCase());
`;

const migratingProject: Record<string, string> = {
  "main.mjs": program,
  "src/read.mjs": "export const read = (row) => row.name;\n",
  "migrations/1.mjs": `export default () => ({ name: "fine" });\n`,
  "jarvis.config.json": JSON.stringify({
    version: 1,
    dependencies: { manager: "none" },
    stages: [
      {
        kind: "test",
        name: "tests",
        runner: "node-test",
        argv: ["node", "--test"],
        tests: ["test/*.js"],
      },
      {
        kind: "migration",
        name: "way-back",
        argv: ["node", "main.mjs"],
        when: ["migrations/**"],
        expectOutput: "FINE",
      },
    ],
  }),
};

/** The program of the change goes along with it; that of the base does not. */
const renaming = {
  "migrations/3.mjs": "export default ({ name, ...row }) => ({ ...row, title: name });\n",
  "src/read.mjs": "export const read = (row) => row.title;\n",
};
