import { isDeepStrictEqual } from "node:util";
import type { KnownAnswer } from "./known-answers.ts";
import type { PerformOutcome } from "./performs.ts";
import { printable } from "./printable.ts";

/**
 * `skipped` says nothing about the serving body: the kernel did not ask it, or nobody knows the
 * answer, or the body ended meanwhile, which is a signal of its own.
 */
export type ProbeVerdict =
  | { readonly verdict: "right" | "skipped"; readonly detail: null }
  | { readonly verdict: "wrong" | "late"; readonly detail: string };

const right: ProbeVerdict = { verdict: "right", detail: null };
const skipped: ProbeVerdict = { verdict: "skipped", detail: null };

/** Judges an answer by the example that declares it. */
export function judgeByExample(
  { expected }: Pick<KnownAnswer, "expected">,
  answer: PerformOutcome,
): ProbeVerdict {
  const unheard = judgeSilence(answer);
  if (unheard !== null) return unheard;
  if ("output" in expected) {
    if (!answer.ok) return wrong(`it failed (${answer.error.code}: ${answer.error.message})`);
    return isDeepStrictEqual(answer.output, expected.output)
      ? right
      : wrong(`it answered ${shown(answer.output)} and not ${shown(expected.output)}`);
  }
  if (answer.ok) return wrong(`it answered ${shown(answer.output)} and had to refuse`);
  return answer.error.message.includes(expected.error)
    ? right
    : wrong(`it refused with "${answer.error.message}" and not with "${expected.error}"`);
}

/**
 * Judges an answer by the baseline's to the same question. Errors are alike when their codes are.
 * Where the tool itself was changed on purpose (`mayDiffer`), another output is no error; failing
 * where the baseline answered still is.
 */
export function judgeByBaseline(
  baseline: PerformOutcome,
  answer: PerformOutcome,
  mayDiffer: boolean,
): ProbeVerdict {
  // The baseline did not answer: nobody knows what is right.
  if (!baseline.ok && baseline.by === "kernel") return skipped;
  const unheard = judgeSilence(answer);
  if (unheard !== null) return unheard;
  if (!answer.ok) {
    if (!baseline.ok && (mayDiffer || baseline.error.code === answer.error.code)) return right;
    const theirs = baseline.ok ? "answered" : `refused (${baseline.error.code})`;
    return wrong(
      `it failed (${answer.error.code}: ${answer.error.message}) and the baseline ${theirs}`,
    );
  }
  if (mayDiffer) return right;
  if (!baseline.ok) {
    return wrong(`it answered ${shown(answer.output)} and the baseline refused`);
  }
  return isDeepStrictEqual(answer.output, baseline.output)
    ? right
    : wrong(`it answered ${shown(answer.output)} and the baseline ${shown(baseline.output)}`);
}

/** What it means that the kernel has no answer of the body; null where it has one. */
function judgeSilence(answer: PerformOutcome): ProbeVerdict | null {
  if (answer.ok || answer.by === "body") return null;
  return answer.error.code === "late" ? { verdict: "late", detail: answer.error.message } : skipped;
}

function wrong(detail: string): ProbeVerdict {
  return { verdict: "wrong", detail: printable(detail, 1000) };
}

function shown(value: unknown): string {
  return JSON.stringify(value).slice(0, 300);
}
