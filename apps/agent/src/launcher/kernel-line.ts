/** What a kernel says in its first line, as far as the launcher decides by it. */
export type KernelLine =
  | {
      readonly ready: true;
      /** Where it is reached; null if it did not say. */
      readonly port: string | null;
    }
  | {
      readonly ready: false;
      /** Why it could not go on, as a code; null if it did not say. */
      readonly refusal: string | null;
    };

/** Reads a line that a kernel printed; null for every other text, which is for people. */
export function readKernelLine(line: string): KernelLine | null {
  const said = parse(line);
  if (said?.["ready"] === true) return { ready: true, port: portOf(said["url"]) };
  if (said?.["ready"] !== false) return null;
  const { error } = said;
  const code = isRecord(error) ? error["code"] : null;
  return { ready: false, refusal: typeof code === "string" ? code : null };
}

function portOf(url: unknown): string | null {
  if (typeof url !== "string" || !URL.canParse(url)) return null;
  return new URL(url).port || null;
}

function parse(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
