import { z } from "zod";
import type { Role } from "./roles.ts";

/** How much one proposer may ask for. */
export const Quota = z.strictObject({
  perMinute: z.int().min(0),
  perHour: z.int().min(0),
  bytesPerHour: z.int().min(0),
  /** Open at the same time: not ended, parked ones included. */
  open: z.int().min(0),
});
export type Quota = z.infer<typeof Quota>;

/** What a proposer asked for already; `times` are those of the last hour, oldest first. */
export type Usage = {
  readonly times: readonly { readonly at: Date; readonly bytes: number }[];
  readonly open: number;
};

export type QuotaDecision =
  | { allowed: true }
  | {
      allowed: false;
      limit: keyof Quota;
      detail: string;
      /** Null where waiting alone does not help: something has to end first, or the request is too large. */
      retryAfterSeconds: number | null;
    };

const minuteMs = 60_000;
const hourMs = 3_600_000;

/** More than a person or a supervised agent needs; a token's own quota overrides it. */
export function defaultQuota(role: Role): Quota {
  return role === "operate"
    ? { perMinute: 120, perHour: 2_000, bytesPerHour: 1_073_741_824, open: 200 }
    : { perMinute: 10, perHour: 100, bytesPerHour: 67_108_864, open: 10 };
}

/** For the actions of an agent that works: a bound on one that has gone wild. */
export const agentQuota: Quota = {
  perMinute: 600,
  perHour: 10_000,
  bytesPerHour: 1_073_741_824,
  open: 50,
};

/** Whether one more request of so many bytes fits, and if not, when it will. */
export function decideQuota(
  quota: Quota,
  usage: Usage,
  request: { bytes: number; now: Date },
): QuotaDecision {
  const { bytes, now } = request;
  const within = (windowMs: number) =>
    usage.times.filter(({ at }) => now.getTime() - at.getTime() < windowMs);
  const inMinute = within(minuteMs);
  const inHour = within(hourMs);
  // When so many of these have left their window, counted from the oldest.
  const waitFor = (times: Usage["times"], leaving: number, windowMs: number): number | null => {
    const last = times[leaving - 1];
    if (last === undefined) return null;
    return Math.max(1, Math.ceil((last.at.getTime() + windowMs - now.getTime()) / 1000));
  };
  if (usage.open >= quota.open) {
    return no("open", `${usage.open} of at most ${quota.open} are open`, null);
  }
  if (inMinute.length >= quota.perMinute) {
    const wait = waitFor(inMinute, inMinute.length - quota.perMinute + 1, minuteMs);
    return no("perMinute", `${inMinute.length} of at most ${quota.perMinute} a minute`, wait);
  }
  if (inHour.length >= quota.perHour) {
    const wait = waitFor(inHour, inHour.length - quota.perHour + 1, hourMs);
    return no("perHour", `${inHour.length} of at most ${quota.perHour} an hour`, wait);
  }
  const used = inHour.reduce((sum, time) => sum + time.bytes, 0);
  if (used + bytes > quota.bytesPerHour) {
    const detail = `${used} bytes used and ${bytes} asked for, of at most ${quota.bytesPerHour} an hour`;
    if (bytes > quota.bytesPerHour) return no("bytesPerHour", detail, null);
    let free = quota.bytesPerHour - used;
    const leaving = 1 + inHour.findIndex((time) => (free += time.bytes) >= bytes);
    return no("bytesPerHour", detail, waitFor(inHour, leaving, hourMs));
  }
  return { allowed: true };
}

function no(limit: keyof Quota, detail: string, retryAfterSeconds: number | null): QuotaDecision {
  return { allowed: false, limit, detail, retryAfterSeconds };
}

/** The sentence for who was refused, with when to come again. */
export function quotaSentence(
  name: string,
  decision: Extract<QuotaDecision, { allowed: false }>,
): string {
  const when =
    decision.retryAfterSeconds !== null
      ? `try again in ${decision.retryAfterSeconds} s`
      : decision.limit === "open"
        ? "wait until one has ended"
        : "ask for less, or have the quota in tokens.json raised";
  return `The quota of ${name} is used up (${decision.detail}): ${when}.`;
}
