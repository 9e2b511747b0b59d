import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { guardConfigSchema, parseGuardConfig } from "./guard-config.ts";
import { inferConfig } from "./infer-config.ts";

const root = new URL("../../../../", import.meta.url);

describe("parseGuardConfig", () => {
  it("reads this repository's own configuration", () => {
    const config = parseGuardConfig(readFileSync(new URL("jarvis.config.json", root), "utf8"));
    expect(config.stages.map(({ name }) => name)).toEqual([
      "compile",
      "tool-tests",
      "release-contract",
      "smoke",
      "way-back",
    ]);
  });

  it.each([
    ["{", "is not JSON"],
    ["{}", "version"],
    [
      JSON.stringify({ version: 1, dependencies: { manager: "yarn" }, stages: [] }),
      "dependencies.manager",
    ],
    [
      JSON.stringify({
        version: 1,
        dependencies: { manager: "none" },
        stages: [{ kind: "check", name: "x", argv: "rm -rf /" }],
      }),
      "stages.0.argv",
    ],
  ])("refuses %s and names what is wrong", (text, named) => {
    expect(() => parseGuardConfig(text)).toThrow(named);
  });

  it("fills in what a health window is measured by, and refuses one that could never pass", () => {
    const config = {
      version: 1,
      dependencies: { manager: "none" },
      stages: [{ kind: "check", name: "x", argv: ["true"] }],
      body: { argv: ["node", "body.js"] },
    };
    const parsed = parseGuardConfig(JSON.stringify({ ...config, healthWindow: { alpha: 0.05 } }));
    expect(parsed).toMatchObject({
      body: { argv: ["node", "body.js"] },
      healthWindow: { alpha: 0.05, tolerance: 0.02, maximumSeconds: 900 },
    });
    expect(parseGuardConfig(JSON.stringify(config)).healthWindow).toBeUndefined();
    const never = JSON.stringify({ ...config, healthWindow: { maximumSeconds: 30 } });
    expect(() => parseGuardConfig(never)).toThrow("at least minimumSeconds");
  });

  it("is described by the published schema", () => {
    const published: unknown = JSON.parse(
      readFileSync(new URL("docs/jarvis.config.schema.json", root), "utf8"),
    );
    // Write it anew with `pnpm config:schema` when this fails.
    expect(published).toEqual(guardConfigSchema());
  });
});

describe("inferConfig", () => {
  it("takes node:test where there is no runner, and no manager where there is no dependency", () => {
    const config = inferConfig({ paths: ["package.json"], packageJson: "{}" });
    expect(config).toMatchObject({
      dependencies: { manager: "none" },
      stages: [{ kind: "test", runner: "node-test" }],
    });
  });

  it("takes vitest and the type checker where they are dependencies", () => {
    const config = inferConfig({
      paths: ["package.json", "pnpm-lock.yaml", "tsconfig.json"],
      packageJson: JSON.stringify({ devDependencies: { vitest: "4", typescript: "7" } }),
    });
    expect(config).toMatchObject({
      dependencies: { manager: "pnpm" },
      stages: [{ name: "types" }, { runner: "vitest" }],
    });
  });

  it.each([
    ["no manifest", { paths: [], packageJson: null }],
    ["a broken manifest", { paths: ["package.json"], packageJson: "{" }],
    [
      "dependencies that nothing pins",
      { paths: ["package.json"], packageJson: JSON.stringify({ dependencies: { a: "1" } }) },
    ],
  ])("knows nothing to run with %s", (_, facts) => {
    expect(inferConfig(facts)).toBeNull();
  });
});
