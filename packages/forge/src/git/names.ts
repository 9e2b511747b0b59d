/** A full SHA-1 object name in lower case. */
export type Sha = string;

export const ZERO_SHA: Sha = "0".repeat(40);

export function isSha(text: string): boolean {
  return /^[0-9a-f]{40}$/u.test(text);
}

/** The rules of `git check-ref-format`, so that a name can be refused without starting git. */
export function isRefName(name: string): boolean {
  if (name === "" || name === "@" || name.length > 250) return false;
  // Control characters are what is looked for.
  if (/[\u0000-\u0020\u007f~^:?*[\\]/u.test(name)) return false;
  if (name.includes("..") || name.includes("@{") || name.includes("//")) return false;
  if (name.endsWith(".") || name.startsWith("-")) return false;
  return name
    .split("/")
    .every((part) => part !== "" && !part.startsWith(".") && !part.endsWith(".lock"));
}

export function branchRef(branch: string): string {
  return `refs/heads/${branch}`;
}

/** The branch of `refs/heads/x`, or undefined for any other ref. */
export function branchOf(ref: string): string | undefined {
  return ref.startsWith("refs/heads/") ? ref.slice("refs/heads/".length) : undefined;
}

/**
 * One name inside a tree that git would check out. Refuses every spelling of `.git` that some file
 * system reads as `.git`, as `git fsck --strict` does.
 */
export function isTreeEntryName(name: string): boolean {
  if (["", ".", ".."].includes(name) || name.includes("/") || name.includes("\0")) return false;
  // HFS+ ignores these; NTFS ignores trailing dots and spaces, streams after ":", and has short names.
  const plain = name
    .replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/gu, "")
    .replace(/[:\\].*$/u, "")
    .replace(/[. ]+$/u, "")
    .toLowerCase();
  return plain !== ".git" && plain !== "git~1";
}
