import { verify, type KeyObject } from "node:crypto";

import { z } from "zod";

const Header = z.object({ alg: z.literal("RS256") });
const Claims = z.object({ iss: z.union([z.string(), z.number()]), iat: z.int(), exp: z.int() });

// GitHub's own bounds: a clock that is a minute ahead, and ten minutes of life.
const AHEAD_SECONDS = 60;
const LONGEST_SECONDS = 600;

/**
 * Whether a JSON web token was signed by the app's private key and is good now. Of all algorithms
 * only RS256 is taken, whatever the token says: one that names none proves nothing.
 */
export function isAppToken(
  token: string,
  app: { id: number; publicKey: KeyObject },
  nowSeconds: number = Date.now() / 1000,
): boolean {
  const [header = "", claims = "", signature = "", ...rest] = token.split(".");
  if (rest.length > 0 || !Header.safeParse(decode(header)).success) return false;
  const parsed = Claims.safeParse(decode(claims));
  if (!parsed.success || String(parsed.data.iss) !== String(app.id)) return false;
  const { iat, exp } = parsed.data;
  if (iat > nowSeconds + AHEAD_SECONDS || exp <= nowSeconds) return false;
  if (exp > nowSeconds + LONGEST_SECONDS + AHEAD_SECONDS) return false;
  return verify(
    "RSA-SHA256",
    Buffer.from(`${header}.${claims}`),
    app.publicKey,
    Buffer.from(signature, "base64url"),
  );
}

function decode(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}
