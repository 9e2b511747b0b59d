import { randomBytes } from "node:crypto";
import { posix } from "node:path";
import type { TestStage } from "../guard-config.ts";

/** A test that must fail: proof that the runner of this very run still reports failures. */
export interface ControlTest {
  readonly name: string;
  readonly path: string;
  readonly content: string;
}

const IMPORTABLE = /\.(?:ts|mts|js|mjs)$/;

/**
 * Generates the control of one test stage: under a random name, beside the stage's tests, importing
 * the changed modules first, so that a module that silences the runner when it is loaded silences
 * the control as well and is caught by it. Null where the runner is custom and declares no control.
 */
export function controlTest(
  stage: TestStage,
  facts: { testFiles: readonly string[]; changedModules: readonly string[] },
): ControlTest | null {
  const name = `control ${randomBytes(12).toString("hex")}`;
  const fileName = randomBytes(6).toString("hex");
  if (stage.control !== undefined) {
    return {
      name,
      path: stage.control.path.replaceAll("{name}", fileName),
      content: stage.control.content
        .replaceAll("{name}", name)
        .replaceAll("{imports}", facts.changedModules.join("\n")),
    };
  }
  const first = facts.testFiles[0];
  if (stage.runner === "custom" || first === undefined) return null;
  const directory = posix.dirname(first);
  // The tests' own ending, so that whatever pattern selects them selects the control as well.
  const ending = /(\.(?:test|spec))?\.[^./]+$/.exec(posix.basename(first))?.[0] ?? ".test.js";
  const path = posix.join(directory, `${fileName}${ending}`);
  const imports = facts.changedModules
    .filter((module) => IMPORTABLE.test(module))
    .map((module) => JSON.stringify(relative(directory, module)));
  // A module that fails to load must not hide the control: its failure is the tests' business.
  const load = imports
    .map((module) => `await import(${module}).catch(() => undefined);`)
    .join("\n");
  if (stage.runner === "vitest") {
    return {
      name,
      path,
      content: [
        `import { expect, it } from "vitest";`,
        load,
        `it(${JSON.stringify(name)}, () => { expect("this test").toBe("a failing one"); });`,
        "",
      ].join("\n"),
    };
  }
  // Neither import nor require: the same text runs as an ES module and as CommonJS.
  const content = [
    "(async () => {",
    load,
    `const { default: test } = await import("node:test");`,
    `const { default: assert } = await import("node:assert/strict");`,
    `test(${JSON.stringify(name)}, () => { assert.equal("this test", "a failing one"); });`,
    "})();",
    "",
  ].join("\n");
  return { name, path, content };
}

function relative(from: string, to: string): string {
  const path = posix.relative(from, to);
  return path.startsWith(".") ? path : `./${path}`;
}
