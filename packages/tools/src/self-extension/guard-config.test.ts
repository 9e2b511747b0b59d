import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { defaultLimits } from "@jarvis/sandbox";
import { z } from "zod";
import {
  DEFAULT_PATCH_BYTES,
  defaultBodyResources,
  guardConfigSchema,
  parseGuardConfig,
} from "./guard-config.ts";
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

/** A property of the schema with where it stands. */
interface Property {
  readonly path: string;
  readonly schema: Record<string, unknown>;
  readonly isRequired: boolean;
}

describe("the published schema", () => {
  it("says of every property what it is", () => {
    expect(undescribed(guardConfigSchema())).toEqual([]);
  });

  it("shows the default of every number and switch that may be left out", () => {
    expect(withoutDefault(guardConfigSchema())).toEqual([]);
    const shown = propertiesOf(guardConfigSchema());
    const defaultOf = (path: string): unknown =>
      shown.find((property) => property.path === path)?.schema["default"];
    expect(defaultOf("stages.build.limits.wallMs")).toBe(defaultLimits.wallMs);
    expect(defaultOf("limits.patchBytes")).toBe(DEFAULT_PATCH_BYTES);
    expect(defaultOf("body.limits.memoryBytes")).toBe(defaultBodyResources.memoryBytes);
  });

  it("is not complete where one is left out: the two checks above can fail", () => {
    const schema = z.toJSONSchema(
      z.object({ told: z.string().describe("x"), wallMs: z.int().optional() }),
    );
    expect(undescribed(schema)).toEqual(["wallMs"]);
    expect(withoutDefault(schema)).toEqual(["wallMs"]);
  });

  it("changes nothing of what is read: a default that is shown is filled in by whoever uses it", () => {
    const text = JSON.stringify({
      version: 1,
      dependencies: { manager: "none" },
      stages: [{ kind: "check", name: "x", argv: ["true"], limits: { wallMs: 5_000 } }],
    });
    expect(parseGuardConfig(text)).toEqual(JSON.parse(text));
  });
});

function undescribed(schema: unknown): string[] {
  return propertiesOf(schema)
    .filter((property) => typeof property.schema["description"] !== "string")
    .map(({ path }) => path);
}

function withoutDefault(schema: unknown): string[] {
  const kinds: unknown[] = ["boolean", "integer", "number"];
  return propertiesOf(schema)
    .filter(({ schema: { type, const: only }, isRequired }) => {
      return !isRequired && only === undefined && kinds.includes(type);
    })
    .filter((property) => property.schema["default"] === undefined)
    .map(({ path }) => path);
}

function propertiesOf(schema: unknown, at = ""): Property[] {
  if (typeof schema !== "object" || schema === null) return [];
  const { properties, items, oneOf, anyOf, required } = schema as {
    properties?: Record<string, Record<string, unknown>>;
    items?: unknown;
    oneOf?: unknown[];
    anyOf?: unknown[];
    required?: string[];
  };
  const { kind } = properties ?? {};
  const prefix = [at, kind?.["const"]].filter((part) => typeof part === "string" && part !== "");
  const own = Object.entries(properties ?? {}).flatMap(([name, property]) => {
    const path = [...prefix, name].join(".");
    const isRequired = required?.includes(name) === true;
    return [{ path, schema: property, isRequired }, ...propertiesOf(property, path)];
  });
  const below = [items, ...(oneOf ?? []), ...(anyOf ?? [])];
  return [...own, ...below.flatMap((each) => propertiesOf(each, at))];
}
