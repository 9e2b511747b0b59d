import type { WireSpent } from "./goal-wire.ts";

/** What a conversation with a model cost, in a line. Money where somebody said what tokens cost. */
export function describeSpent({ inputTokens, outputTokens, microUsd, steps }: WireSpent): string {
  const money = microUsd === 0 ? "" : `, ${dollars(microUsd)}`;
  return `${inputTokens + outputTokens} tokens (${inputTokens} in, ${outputTokens} out) in ${steps} steps${money}`;
}

/** The same for a list, where there is one line for each: money where it is known, else tokens. */
export function shortSpent({ inputTokens, outputTokens, microUsd }: WireSpent): string {
  return microUsd === 0 ? `${inputTokens + outputTokens} tokens` : dollars(microUsd);
}

function dollars(microUsd: number): string {
  return `${(microUsd / 1_000_000).toFixed(4)} dollars`;
}
