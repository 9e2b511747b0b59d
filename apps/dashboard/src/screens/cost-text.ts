export interface Spent {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Millionths of a dollar; 0 where nobody said what tokens cost. */
  readonly microUsd: number;
}

/** What a model took, in a line. */
export function spentText({ inputTokens, outputTokens, microUsd }: Spent): string {
  const tokens = `${whole.format(inputTokens + outputTokens)} tokens`;
  return microUsd === 0 ? tokens : `${dollars.format(microUsd / 1e6)}, ${tokens}`;
}

/** What everything that the author tried took for each change that was accepted. */
export function costOfAccepted(
  author: Spent & { readonly attempts: number; readonly accepted: number },
): string {
  const { attempts, accepted, inputTokens, outputTokens, microUsd } = author;
  if (inputTokens + outputTokens === 0) return "No model was asked in these days.";
  const of = `${whole.format(accepted)} accepted of ${whole.format(attempts)} tried`;
  if (accepted === 0) return `Nothing was accepted yet: ${spentText(author)} for ${of}.`;
  const each = spentText({
    inputTokens: inputTokens / accepted,
    outputTokens: outputTokens / accepted,
    microUsd: microUsd / accepted,
  });
  return `${each}: ${of}, ${spentText(author)} in all.`;
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const dollars = new Intl.NumberFormat("en", {
  style: "currency",
  currency: "USD",
  maximumFractionDigits: 4,
});
