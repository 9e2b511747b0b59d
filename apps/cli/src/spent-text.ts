import type { WireSpent } from "./goal-wire.ts";

/** What a conversation with a model cost, in a line. Money where somebody said what tokens cost. */
export function describeSpent({ inputTokens, outputTokens, microUsd, steps }: WireSpent): string {
  const money = microUsd === 0 ? "" : `, ${(microUsd / 1_000_000).toFixed(4)} dollars`;
  return `${inputTokens + outputTokens} tokens (${inputTokens} in, ${outputTokens} out) in ${steps} steps${money}`;
}
