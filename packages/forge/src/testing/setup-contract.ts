import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { appendFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, inject } from "vitest";

import { exchanges, type Exchange } from "../exchange.ts";
import { createGitHubContract } from "./github-contract.ts";

/**
 * Loaded before every test file of the forge: whatever passes through a forge of this process is held
 * against GitHub's description, whoever sent it.
 */
const contract = createGitHubContract();
const violations: string[] = [];
const pairs = new Set<string>();

function check(message: unknown): void {
  const exchange = message as Exchange;
  const { pair, requestViolations, responseViolations } = contract.check(exchange);
  pairs.add(pair);
  const found = [
    ...responseViolations,
    // Tests send nonsense on purpose; what GitHub does not describe must then be refused.
    ...(exchange.status < 400 ? requestViolations : []),
  ];
  violations.push(...found.map((each) => `${exchange.method} ${exchange.path}: ${pair}: ${each}`));
}

beforeAll(() => subscribe(exchanges.name, check));

afterEach(throwViolations);

afterAll(() => {
  unsubscribe(exchanges.name, check);
  const lines = [...pairs].map((pair) => `${pair}\n`).join("");
  appendFileSync(join(inject("contractCoverage"), `${process.pid}`), lines);
  throwViolations();
});

function throwViolations(): void {
  const found = violations.splice(0);
  if (found.length > 0) throw new Error(`not as GitHub describes it:\n${found.join("\n")}`);
}
