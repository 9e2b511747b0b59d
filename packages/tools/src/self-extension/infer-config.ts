import { z } from "zod";
import type { GuardConfig, Stage } from "./guard-config.ts";

const manifest = z.looseObject({
  scripts: z.record(z.string(), z.string()).optional(),
  dependencies: z.record(z.string(), z.string()).optional(),
  devDependencies: z.record(z.string(), z.string()).optional(),
  main: z.string().optional(),
});

/** What inference looks at: the paths of the base and its top-level manifest. */
export interface RepositoryFacts {
  readonly paths: readonly string[];
  readonly packageJson: string | null;
}

const NODE_TESTS = ["**/*.test.{js,mjs,cjs}", "test/**/*.{js,mjs,cjs}", "**/*.spec.{js,mjs,cjs}"];
const VITEST_TESTS = ["**/*.{test,spec}.{js,mjs,cjs,ts,mts,cts,jsx,tsx}"];

/**
 * Sensible stages for a repository without `jarvis.config.json`, or null where nothing is known to
 * run: then there is no verdict, and the person is asked for a configuration.
 */
export function inferConfig(facts: RepositoryFacts): GuardConfig | null {
  if (facts.packageJson === null) return null;
  let json: unknown;
  try {
    json = JSON.parse(facts.packageJson);
  } catch {
    return null;
  }
  const parsed = manifest.safeParse(json);
  if (!parsed.success) return null;
  const packages = { ...parsed.data.dependencies, ...parsed.data.devDependencies };
  const manager = managerOf(facts.paths, packages);
  if (manager === null) return null;
  const stages: Stage[] = [];
  if ("typescript" in packages && facts.paths.includes("tsconfig.json")) {
    stages.push({
      kind: "check",
      name: "types",
      argv: ["node", "node_modules/typescript/bin/tsc", "--noEmit", "-p", "tsconfig.json"],
    });
  }
  stages.push(
    "vitest" in packages
      ? {
          kind: "test",
          name: "tests",
          runner: "vitest",
          argv: ["node", "node_modules/vitest/vitest.mjs", "run"],
          tests: VITEST_TESTS,
        }
      : {
          kind: "test",
          name: "tests",
          runner: "node-test",
          argv: ["node", "--test"],
          tests: NODE_TESTS,
        },
  );
  return { version: 1, dependencies: { manager }, stages };
}

function managerOf(
  paths: readonly string[],
  packages: Record<string, string>,
): "pnpm" | "npm" | "none" | null {
  if (paths.includes("pnpm-lock.yaml")) return "pnpm";
  if (paths.includes("package-lock.json")) return "npm";
  // Dependencies without a lockfile cannot be pinned to the base, so nothing is installed for them.
  return Object.keys(packages).length === 0 ? "none" : null;
}
