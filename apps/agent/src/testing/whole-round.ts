import { probeRound, type ProbeResult } from "../kernel/body/probes.ts";

/** Asks a round to its end, one question after the other without a pause. */
export async function wholeRound(
  ...round: Parameters<typeof probeRound>
): Promise<readonly ProbeResult[]> {
  const results: ProbeResult[] = [];
  for await (const result of probeRound(...round)) results.push(result);
  return results;
}
