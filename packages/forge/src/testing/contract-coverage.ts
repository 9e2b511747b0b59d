import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { TestProject } from "vitest/node";

import { createGitHubContract } from "./github-contract.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where every test file leaves the pairs that it saw. */
    contractCoverage: string;
  }
}

/**
 * Collects which pairs of operation and status the test files saw, names them at the end, and fails
 * the run where an operation that is served was never seen to succeed. A run of some files or tests
 * names what it saw and proves nothing of the rest.
 */
export default function setUp(project: TestProject): () => Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "forge-contract-"));
  project.provide("contractCoverage", directory);
  return async () => {
    const pairs = readPairs(directory);
    rmSync(directory, { recursive: true, force: true });
    const { source, operations } = createGitHubContract();
    if (pairs.size > 0) report(pairs, source);
    if (!(await isWholeRun(project))) return;
    const unseen = unseenOperations(pairs, operations);
    if (unseen.length > 0) {
      process.exitCode = 1;
      throw new Error(`no test saw these succeed: ${unseen.join(", ")}`);
    }
  };
}

function readPairs(directory: string): Set<string> {
  const lines = readdirSync(directory).flatMap((file) =>
    readFileSync(join(directory, file), "utf8").split("\n"),
  );
  return new Set(lines.filter((line) => line !== "").sort());
}

function report(pairs: ReadonlySet<string>, source: string): void {
  const statuses = new Map<string, string[]>();
  for (const pair of pairs) {
    const [operation = "", status = ""] = pair.split(" ");
    statuses.set(operation, [...(statuses.get(operation) ?? []), status]);
  }
  const lines = [...statuses].map(([operation, seen]) => `  ${operation} ${seen.join(" ")}\n`);
  process.stdout.write(
    `\n${pairs.size} pairs of operation and status, valid by ${source}:\n${lines.join("")}`,
  );
}

/** The operations of which no pair is a success. */
export function unseenOperations(pairs: Iterable<string>, operations: readonly string[]): string[] {
  const succeeded = new Set([...pairs].flatMap((pair) => /^(\S+) 2\d\d$/u.exec(pair)?.[1] ?? []));
  return operations.filter((id) => !succeeded.has(id));
}

async function isWholeRun(project: TestProject): Promise<boolean> {
  const { testFiles } = await project.globTestFiles();
  const ran = project.vitest.state.getFiles().filter((file) => file.projectName === project.name);
  return project.config.testNamePattern === undefined && ran.length >= testFiles.length;
}
