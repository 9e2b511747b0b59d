import { plainFiles } from "@jarvis/tools/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeWorld, type Running, type World } from "./testing/world.ts";

const withoutDependencies = {
  files: plainFiles,
  good: {
    "src/sub.js": "export const sub = (a, b) => a - b;\n",
    "test/sub.test.js": testOf("sub", "../src/sub.js", "sub(3, 1)", "2"),
  },
};

const withOneDependency = {
  files: {
    "package.json": JSON.stringify({
      name: "with-one",
      version: "1.0.0",
      type: "module",
      scripts: { test: "node --test" },
      dependencies: { "is-number": "7.0.0" },
    }),
    "package-lock.json": JSON.stringify({
      name: "with-one",
      version: "1.0.0",
      lockfileVersion: 3,
      requires: true,
      packages: {
        "": { name: "with-one", version: "1.0.0", dependencies: { "is-number": "7.0.0" } },
        "node_modules/is-number": {
          version: "7.0.0",
          resolved: "https://registry.npmjs.org/is-number/-/is-number-7.0.0.tgz",
          integrity:
            "sha512-41Cifkg6e8TylSpdtTpeLVMqvSBEVzTttHvERD741+pnZ8ANv0004MRL43QKPDlK9cGvNp6NZWZUBlbGXYxxng==",
        },
      },
    }),
    "src/add.js": `import isNumber from "is-number";\nexport const add = (a, b) => (isNumber(a) ? Number(a) + Number(b) : NaN);\n`,
    "test/add.test.js": testOf("add", "../src/add.js", `add("1", 2)`, "3"),
  },
  good: {
    "src/twice.js": `import isNumber from "is-number";\nexport const twice = (a) => (isNumber(a) ? a * 2 : 0);\n`,
    "test/twice.test.js": testOf("twice", "../src/twice.js", "twice(2)", "4"),
  },
};

describe.each([
  ["a project without any dependency", withoutDependencies],
  ["an npm project with a dependency and a lockfile", withOneDependency],
])("%s", (_, { files, good }) => {
  let world: World;
  let up: Running;

  beforeAll(async () => {
    world = makeWorld(files);
    up = await world.up();
    await world.jarvis(["mode", "execute", "--reason", "test"]);
  });

  afterAll(async () => {
    process.kill(up.pid, "SIGTERM");
    await up.ended;
    await world.discard();
  });

  it("has a good change merged", async () => {
    const patch = world.patch(good);
    const args = ["propose", "--patch", "-", "--wait", "--json"];
    const { code, stdout } = await world.jarvis(args, { input: patch });
    const result = JSON.parse(stdout) as Record<string, unknown>;
    expect(result).toMatchObject({
      success: true,
      status: "promoted",
      verificationOverallStatus: "passed",
      testEvidence: "in-process",
    });
    expect(result["mergeSha"]).toBe(result["headSha"]);
    expect(code).toBe(0);
    // It stands where the forge's base is, and the person's own branch stays where it was.
    const status = JSON.parse((await world.jarvis(["status", "--json"])).stdout) as {
      base: { lastSeen: string };
    };
    expect(status.base.lastSeen).toBe(result["mergeSha"]);
    expect(world.git("log", "--format=%s").trim()).toBe("First commit");
  });

  it("has a bad change blocked, with the failing test named", async () => {
    const patch = world.patch({ "src/add.js": "export const add = () => 7;\n" });
    const { code, stdout } = await world.jarvis(["propose", "--patch", "-", "--wait", "--json"], {
      input: patch,
    });
    const result = JSON.parse(stdout) as {
      verificationDiagnostics: { failingTests: string[] }[];
    };
    expect(result).toMatchObject({
      success: false,
      status: "blocked",
      blockReasons: ["isolated-verification-failed"],
      verificationFailedStage: "tests",
      verificationFailureCategory: "tests-failed",
      pullRequestNumber: null,
    });
    expect(result.verificationDiagnostics[0]?.failingTests.join()).toContain("add");
    expect(code).toBe(1);
  });
});

function testOf(name: string, module: string, call: string, wanted: string): string {
  return [
    `import assert from "node:assert/strict";`,
    `import test from "node:test";`,
    `import { ${name} } from "${module}";`,
    `test("${name}s", () => assert.equal(${call}, ${wanted}));`,
    "",
  ].join("\n");
}
