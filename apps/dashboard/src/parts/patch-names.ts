/**
 * The file that a part of a patch is about, named as git would apply it: by `---` and `+++`, or by
 * the headers of a rename; by `diff --git` only where there are none of them, whatever that says.
 */
export interface PatchNames {
  readonly header: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** What follows `diff --git `: two names, which only agree where nothing else is said. */
export function headerName(text: string): string {
  const quoted = /^"(?:\\.|[^"\\])*" ("(?:\\.|[^"\\])*")$/.exec(text)?.[1];
  const bare = /^a\/(.*) b\/(.*)$/.exec(text)?.[2];
  return quoted === undefined ? (bare ?? text) : withoutPrefix(unquote(quoted));
}

/** What follows `--- ` or `+++ `; null where the file is not there. */
export function sideName(text: string): string | null {
  const name = text.startsWith('"') ? unquote(text) : text.replace(/\t.*$/, "");
  return name === "/dev/null" ? null : withoutPrefix(name);
}

/** What follows `rename from ` and the like, which has no `a/` in front. */
export function bareName(text: string): string {
  return text.startsWith('"') ? unquote(text) : text;
}

/** One path, or two where a change moves a file: neither may be kept from who reads. */
export function pathOf({ header, before, after }: PatchNames): string {
  if (before === null && after === null) return header;
  if (before === null || after === null || before === after) return after ?? before ?? header;
  return `${before} → ${after}`;
}

/** Git takes the first directory away, whatever its name is. */
function withoutPrefix(name: string): string {
  return name.replace(/^[^/]*\//, "");
}

const escapes: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** A name in quotes as git writes it: bytes beyond ASCII as octal numbers. */
function unquote(quoted: string): string {
  const inner = quoted.replace(/^"/, "").replace(/"[^"]*$/, "");
  const bytes = [...inner.matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/gu)].flatMap(
    ([, octal, escaped, text]) =>
      octal === undefined
        ? [...new TextEncoder().encode(text ?? escapes[escaped ?? ""] ?? escaped ?? "")]
        : [Number.parseInt(octal, 8)],
  );
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
