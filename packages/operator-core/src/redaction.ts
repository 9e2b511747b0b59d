/*
 * Secrets are taken out before anything is written to a ledger, because a ledger row can never be
 * taken back. Patterns err towards redacting; digests, git object names and UUIDs must survive,
 * since they are what the ledger is about.
 */

export type Redacted = { value: unknown; redactions: number };

/**
 * A copy of a JSON value in which every secret is replaced by `[redacted:<kind>]`, at any depth, in
 * keys too. Redacting what was redacted changes nothing more.
 */
export function redactSecrets(value: unknown): Redacted {
  const count = { redactions: 0 };
  return {
    value: redactValue(value, { count, depth: 0, under: "" }),
    redactions: count.redactions,
  };
}

type Count = { redactions: number };

/** Where in a structure a value stands; `under` is the name above it that speaks of a secret, or "". */
type Place = { readonly count: Count; readonly depth: number; readonly under: string };

// Deeper than any payload of ours. What is cut there is not looked at, so it is not let through.
const depthLimit = 64;

function redactValue(value: unknown, place: Place): unknown {
  const { count, depth, under } = place;
  if (typeof value === "string") return redactUnder(under, value, count);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= depthLimit) return replaced("too-deep", count);
  const inside = { ...place, depth: depth + 1 };
  if (Array.isArray(value)) return redactList(value, inside);
  if ("toJSON" in value && typeof value.toJSON === "function") {
    return redactValue(value.toJSON(), inside);
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      redactText(name, count),
      redactValue(item, { ...inside, under: nameThatCounts(under, name) }),
    ]),
  );
}

// A list may be the arguments of a program: what follows an option for a secret is one.
function redactList(items: readonly unknown[], place: Place): unknown[] {
  return items.map((item, index) =>
    typeof item === "string" && isOptionForSecret(items[index - 1]) && isOptionValue(item)
      ? replaced("secret-value", place.count)
      : redactValue(item, place),
  );
}

// What is below a password is never judged more mildly, whatever it is called there.
function nameThatCounts(above: string, name: string): string {
  return secretNameAtEnd.test(name) && !passwordNameAtEnd.test(above) ? name : above;
}

function redactUnder(name: string, text: string, count: Count): string {
  if (isSecretUnder(name, text)) return replaced("secret-value", count);
  // A header in a structure: the scheme says nothing, what follows it is the secret.
  const header = /authorization$/i.test(name)
    ? /^\s{0,8}[A-Za-z0-9-]{1,30}\s{1,8}(?=\S)/.exec(text)
    : null;
  if (header === null || text.slice(header[0].length).startsWith("[redacted:")) {
    return redactText(text, count);
  }
  return header[0] + replaced("authorization", count);
}

/*
 * Each pattern starts at a boundary and repeats one class of characters, so that hostile text
 * cannot make it backtrack. `keep` is what stands before the secret and stays.
 */
const patterns: readonly { kind: string; pattern: RegExp }[] = [
  {
    kind: "private-key",
    // A block that was cut off is still a key.
    pattern:
      /-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----|$)/g,
  },
  {
    kind: "url-password",
    pattern:
      /(?<keep>(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,30}:\/\/[^\s:/?#@"'<>]{0,256}:)(?!\[redacted:)[^\s/@"'<>]{1,512}(?=@)/g,
  },
  {
    kind: "authorization",
    pattern:
      /(?<keep>\b(?:proxy-)?authorization["']?\s{0,8}[:=]\s{0,8}["']?(?:bearer|basic|token)\s{1,8})(?!\[redacted:)[A-Za-z0-9._~+/=-]+/gi,
  },
  {
    kind: "authorization",
    pattern: /(?<keep>\bBearer )(?=[A-Za-z._~+/=-]{0,64}[0-9])[A-Za-z0-9._~+/=-]{20,}/g,
  },
  {
    // Connection strings that are lists: any value after the very name, however short.
    kind: "secret-value",
    pattern:
      /(?<keep>(?<![A-Za-z0-9_.-])[A-Za-z0-9_.-]{0,64}(?:password|passwd|pwd|passphrase)=["']?)(?!\[redacted:)[^\s"',;&]{1,512}/gi,
  },
  { kind: "jarvis-token", pattern: /(?<![A-Za-z0-9])jarvis_[A-Za-z0-9_-]{40,}/g },
  { kind: "anthropic-key", pattern: /(?<![A-Za-z0-9])sk-ant-[A-Za-z0-9_-]{20,}/g },
  {
    kind: "openai-key",
    pattern: /(?<![A-Za-z0-9])sk-(?:(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{20,})/g,
  },
  {
    kind: "github-token",
    pattern: /(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9_]{20,}|github_pat_[A-Za-z0-9_]{20,})/g,
  },
  { kind: "gitlab-token", pattern: /(?<![A-Za-z0-9])glpat-[A-Za-z0-9_-]{20,}/g },
  { kind: "aws-access-key", pattern: /(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])/g },
  { kind: "slack-token", pattern: /(?<![A-Za-z0-9])(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,}/g },
  { kind: "npm-token", pattern: /(?<![A-Za-z0-9])npm_[A-Za-z0-9]{30,}/g },
  { kind: "stripe-key", pattern: /(?<![A-Za-z0-9])[rs]k_(?:live|test)_[A-Za-z0-9]{16,}/g },
  { kind: "google-key", pattern: /(?<![A-Za-z0-9_-])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])/g },
  {
    kind: "jwt",
    pattern: /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*/g,
  },
];

const secretName =
  "(?:secret|token|password|passwd|passphrase|authorization|credentials?|(?:api|access|private|secret|signing|encryption)[_-]?key)";

// NAME=value and "name": "value" in text: environment dumps, configuration files, logs.
const assignment = new RegExp(
  `(?<keep>(?<![A-Za-z0-9_.-])(?<name>[A-Za-z0-9_.-]{0,64}${secretName})["']?\\s{0,8}[:=]\\s{0,8}["']?)(?!\\[redacted:)(?<secret>[^\\s"',;]{8,512})`,
  "gi",
);

const option = `--?[A-Za-z0-9_.-]{0,64}${secretName}`;
// `--password --verbose`: another option is no value.
const anotherOption = `--?[A-Za-z][a-z0-9-]{0,40}(?=[\\s="',]|$)`;

// Also as it is in JSON in JSON.
const quoteMark = `(?:\\\\{0,4}["'])`;

// --password X, --api-key=X and "--token", "X" in text: command lines, and lists of arguments.
const optionWithValue = new RegExp(
  `(?<keep>(?<![A-Za-z0-9_.-])(?<name>${option})(?<gap>=|(?:\\s{1,8}|\\\\{0,4}["']\\s{0,8},\\s{0,8})(?!${quoteMark}?${anotherOption})))(?!${quoteMark}?\\[redacted:)(?<quote>${quoteMark}?)(?<secret>(?<=")[^"\\n]+|(?<=')[^'\\n]+|(?!${quoteMark})[^\\s"',;]+)`,
  "gi",
);

const wholeOption = new RegExp(`^${option}$`, "i");
const startsWithOption = new RegExp(`^${anotherOption}`, "i");

const secretNameAtEnd = new RegExp(`${secretName}$`, "i");
const passwordNameAtEnd = /(?:password|passwd|passphrase)$/i;

type OptionMatch = { keep: string; name: string; gap: string; quote: string; secret: string };

function redactText(text: string, count: Count): string {
  let result = text;
  for (const { kind, pattern } of patterns) {
    result = result.replace(pattern, (...match) => {
      const groups = match.at(-1) as { keep?: string } | string;
      const keep = typeof groups === "object" ? (groups.keep ?? "") : "";
      return keep + replaced(kind, count);
    });
  }
  result = result.replace(optionWithValue, (whole: string, ...match) => {
    const { keep, name, gap, quote, secret } = match.at(-1) as OptionMatch;
    // "--token is required": prose. After = and in a list of arguments it can only be the value.
    const isProse = /^\s/.test(gap) && !passwordNameAtEnd.test(name) && /^[a-z]+$/.test(secret);
    return isProse ? whole : keep + quote + replaced("secret-value", count);
  });
  return result.replace(assignment, (whole: string, ...match) => {
    const { keep, name, secret } = match.at(-1) as { keep: string; name: string; secret: string };
    return isSecretUnder(name, secret) ? keep + replaced("secret-value", count) : whole;
  });
}

function isOptionForSecret(item: unknown): boolean {
  return typeof item === "string" && wholeOption.test(item);
}

function isOptionValue(item: string): boolean {
  return item !== "" && !item.startsWith("[redacted:") && !startsWithOption.test(item);
}

/** A value that its name calls a secret. Passwords need not look random; tokens do. */
function isSecretUnder(name: string, value: string): boolean {
  if (value === "" || value.startsWith("[redacted:")) return false;
  if (passwordNameAtEnd.test(name)) return !/\s/.test(value);
  return secretNameAtEnd.test(name) && looksRandom(value);
}

// `token: "promotion-paused-until-noon"` is a word; 16 characters with 3 bits each are not.
function looksRandom(value: string): boolean {
  if (value.length < 16 || /\s/.test(value) || value.startsWith("sha256:")) return false;
  return /[0-9]/.test(value) && /[A-Za-z]/.test(value) && entropyBits(value) >= 3;
}

function entropyBits(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  const shares = [...counts.values()].map((times) => times / text.length);
  return -shares.reduce((sum, share) => sum + share * Math.log2(share), 0);
}

function replaced(kind: string, count: Count): string {
  count.redactions += 1;
  return `[redacted:${kind}]`;
}
