import { readdirSync } from "node:fs";

import { readTextOr } from "./host.ts";

const closeOnExec = 0o2000000;

/**
 * Open descriptors above 2 that a child would inherit. Node closes none that it inherited itself
 * (a shell's, a test runner's), and neither does bubblewrap: a database handle would be the
 * candidate's. What Node opened itself is close-on-exec and not listed.
 */
export function inheritableDescriptors(): number[] {
  return readdirSync("/proc/self/fd")
    .map(Number)
    .filter((descriptor) => descriptor > 2 && isInheritable(descriptor))
    .sort((a, b) => a - b);
}

function isInheritable(descriptor: number): boolean {
  const info = readTextOr(`/proc/self/fdinfo/${descriptor}`, "");
  const flags = /^flags:\s*([0-7]+)$/m.exec(info)?.[1];
  // No entry: it was the one that listed the directory, and is closed.
  return flags !== undefined && (Number.parseInt(flags, 8) & closeOnExec) === 0;
}

/**
 * The child's descriptor table: `ours` at their numbers, `devNull` over every inheritable one, and
 * nothing in between ("ignore" leaves a descriptor above 2 as it is, which is closed).
 */
export function descriptorTable(
  ours: readonly ("pipe" | number)[],
  inheritable: readonly number[],
  devNull: number,
): ("pipe" | "ignore" | number)[] {
  const table: ("pipe" | "ignore" | number)[] = [...ours];
  for (const descriptor of inheritable) {
    if (descriptor < ours.length) continue;
    while (table.length < descriptor) table.push("ignore");
    table[descriptor] = devNull;
  }
  return table;
}
