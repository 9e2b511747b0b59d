import { posix } from "node:path";
import picomatch from "picomatch";
import type { PersonReason } from "./block-reasons.ts";
import type { TreeChange } from "./git/mirror.ts";
import type { GuardConfig } from "./guard-config.ts";
import { closureOf, type ImportGraph } from "./import-graph.ts";

/**
 * What no configuration can take off the list. `tests` judge: they may be added but not changed or
 * removed; the rest may not be added either.
 */
export const alwaysProtected = {
  tests: [
    "**/*.{test,spec}.*",
    "**/{test,tests,__tests__,testing,fixtures,__fixtures__}/**",
    "**/*.snap",
  ],
  evaluator: [
    "**/*config.*",
    "**/*config",
    "**/tsconfig*",
    "**/.*rc",
    "**/.*rc.*",
    "**/__mocks__/**",
    "**/__snapshots__/**",
    "**/{vitest,jest}.*",
    "**/.env",
    "**/.env.*",
    ".ci/**",
    ".circleci/**",
    ".github/**",
    ".{gitlab-ci,travis,cirrus,drone,woodpecker,appveyor}.{yml,yaml,star}",
    ".{buildkite,semaphore,woodpecker,azure-pipelines}/**",
    "{azure,bitbucket}-pipelines*.{yml,yaml}",
    "{appveyor,cloudbuild}.{yml,yaml,json}",
    "**/{Makefile,Jenkinsfile}",
    "turbo.json",
  ],
  dependencies: [
    "**/package.json",
    "**/{pnpm-lock.yaml,package-lock.json,npm-shrinkwrap.json,yarn.lock,bun.lock,bun.lockb}",
    "**/pnpm-workspace.yaml",
    "**/.npmrc",
    "**/.pnpmfile.*",
    "**/.yarnrc*",
    "**/patches/**",
    "**/node_modules/**",
    "**/.node-version",
    "**/.nvmrc",
  ],
  paths: [
    "**/AGENTS.md",
    "**/.agents/**",
    "**/{CLAUDE,GEMINI}.md",
    "**/.{cursorrules,windsurfrules,clinerules}",
    "**/.{cursor,claude,gemini}/**",
    "**/.{codex,windsurf,kiro,roo,continue}/**",
    "**/.mcp.json",
    "**/copilot-instructions.md",
    "**/prompts/**",
    // What an editor or a hook manager runs once somebody opens or pulls the repository.
    "**/.{vscode,devcontainer,idea,zed,lefthook}/**",
    "**/.devcontainer.json",
    "**/{lefthook,.lefthook}*.{yml,yaml,toml,json}",
    "**/.gitattributes",
    "**/.gitignore",
    "**/CODEOWNERS",
  ],
} as const;

export interface ProtectionFinding {
  readonly reason: PersonReason;
  readonly path: string;
  readonly why: string;
}

export interface ProtectionFacts {
  readonly changes: readonly TreeChange[];
  readonly config: GuardConfig;
  readonly base: ImportGraph;
  readonly candidate: ImportGraph;
}

/**
 * Which changed paths need a person, and why. Pure: the same trees and configuration always give the
 * same findings, and an empty answer means that nothing protected is touched.
 */
export function findProtected(facts: ProtectionFacts): ProtectionFinding[] {
  const { changes, config, base, candidate } = facts;
  const tests = matcher([...alwaysProtected.tests, ...(config.protected?.tests ?? [])]);
  const evaluator = matcher([...alwaysProtected.evaluator, ...(config.protected?.evaluator ?? [])]);
  const dependencies = matcher([
    ...alwaysProtected.dependencies,
    ...(config.protected?.dependencies ?? []),
  ]);
  const paths = matcher([...alwaysProtected.paths, ...(config.protected?.paths ?? [])]);
  const helpers = testHelpers(base, tests);
  const stands = stoodInFor(facts, [...[...base.paths].filter(tests), ...helpers]);
  const kernel = kernelFiles(facts);
  const findings: ProtectionFinding[] = [];
  for (const change of changes) {
    const { path } = change;
    const existed = change.oldMode !== null;
    if (existed && tests(path)) {
      findings.push({
        reason: "evaluator-changed",
        path,
        why: "an existing test or what it needs",
      });
    } else if (existed && helpers.has(path)) {
      findings.push({
        reason: "evaluator-changed",
        path,
        why: "a helper that existing tests import",
      });
    }
    if (!existed && stands.has(path)) {
      findings.push({
        reason: "evaluator-changed",
        path,
        why: "it takes the place of what an existing test imports",
      });
    }
    if (evaluator(path)) {
      findings.push({ reason: "evaluator-changed", path, why: "configuration of a gate" });
    }
    if (dependencies(path)) {
      findings.push({
        reason: "dependencies-changed",
        path,
        why: "a manifest, lockfile or package-manager configuration",
      });
    }
    if (kernel(path)) {
      findings.push({ reason: "kernel-closure", path, why: "code that runs with credentials" });
    } else if (change.newMode !== null && candidate.unread.has(path)) {
      findings.push({ reason: "kernel-closure", path, why: "what it imports cannot be read" });
    }
    if (paths(path)) {
      findings.push({ reason: "protected-path", path, why: "only a person may change it" });
    }
  }
  return findings;
}

/** A change is in the kernel when it is in the closure before or after, or in a listed path. */
function kernelFiles(facts: ProtectionFacts): (path: string) => boolean {
  const { config, base, candidate } = facts;
  const isEntry = matcher(config.kernel?.entries ?? []);
  const listed = matcher(config.kernel?.paths ?? []);
  const closure = new Set<string>();
  for (const graph of [base, candidate]) {
    const entries = [...graph.paths].filter(isEntry);
    for (const path of closureOf(graph, entries)) closure.add(path);
  }
  return (path) => closure.has(path) || listed(path);
}

/**
 * Files that lie beside tests and are imported by tests alone: they take part in the judgement. What
 * a test is about is no helper: the module of the test's own name, what that imports, and anything
 * in a directory without tests.
 */
function testHelpers(graph: ImportGraph, isTest: (path: string) => boolean): Set<string> {
  const tests = [...graph.paths].filter(isTest);
  const testDirectories = new Set(tests.map((path) => posix.dirname(path)));
  const subjects = new Set(tests.map((path) => path.replace(/\.(?:test|spec)\.[^./]+$/, "")));
  const reached = closureOf(graph, tests);
  const isProduct = (path: string): boolean =>
    !isTest(path) &&
    (!reached.has(path) ||
      subjects.has(path.replace(/\.[^./]+$/, "")) ||
      !testDirectories.has(posix.dirname(path)));
  const product = closureOf(graph, [...graph.paths].filter(isProduct));
  return new Set([...reached].filter((path) => !isTest(path) && !product.has(path)));
}

/**
 * Files that unchanged tests and helpers would reach in the candidate and did not in the base: a new
 * `helper.js` beside `helper.ts` may be what a runner loads from then on.
 */
function stoodInFor(
  { base, candidate }: ProtectionFacts,
  judges: readonly string[],
): ReadonlySet<string> {
  return new Set(
    judges.flatMap((path) => {
      const before = new Set(base.imports(path));
      return candidate.imports(path).filter((target) => !before.has(target));
    }),
  );
}

export function matcher(globs: readonly string[]): (path: string) => boolean {
  if (globs.length === 0) return () => false;
  const match = picomatch([...globs], { dot: true, nocase: true });
  return (path) => match(path);
}
