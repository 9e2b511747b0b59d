import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** 256 random bits, as text that fits into a link, a header and a cookie. */
export function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

/** SHA-256 in hexadecimal: what is kept of a secret. */
export function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Whether two hashes are the same; the time that it takes says nothing about where they differ. */
export function sameHash(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a, "hex"), Buffer.from(b, "hex")];
  return one.length === other.length && timingSafeEqual(one, other);
}
