import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** Long enough for a person's tool to hand it on, too short to be kept. */
export const approvalLifeMs = 60_000;

/** A one-time token and what is stored of it: who reads the table cannot approve with it. */
export function newApprovalToken(): { token: string; tokenHash: string } {
  const token = randomBytes(32).toString("base64url");
  return { token, tokenHash: hashOf(token) };
}

/** Compares digests of equal length, in constant time. */
export function isApprovalToken(given: string, tokenHash: string | null): boolean {
  if (tokenHash === null) return false;
  const expected = Buffer.from(tokenHash, "hex");
  const actual = Buffer.from(hashOf(given), "hex");
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
