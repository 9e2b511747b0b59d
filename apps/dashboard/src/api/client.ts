import createClient from "openapi-fetch";
import type { components, paths } from "./schema.ts";

export type Schemas = components["schemas"];

/** Half of what the browser is recognised by; the other half is a cookie that no script can read. */
const KEY = "jarvis-key";

export function readKey(): string {
  return localStorage.getItem(KEY) ?? "";
}

export function keepKey(key: string | null): void {
  if (key === null) localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, key);
}

/** A refusal of the kernel, or that it could not be reached: a code for programs, a sentence for people. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: string;
  readonly status: number;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const client = createClient<paths>();
client.use({
  onRequest({ request }) {
    request.headers.set("x-jarvis-key", readKey());
    return request;
  },
});
export const api = client;

interface Answer<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response: Response;
}

/** The answer, or the refusal thrown as an `ApiError`. */
export async function answerOf<T>(asked: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await asked;
  } catch {
    throw new ApiError(0, "unreachable", "The kernel does not answer.");
  }
  if (answer.data !== undefined) return answer.data;
  const { code, message } = refusalIn(answer.error);
  throw new ApiError(answer.response.status, code, message);
}

function refusalIn(body: unknown): { code: string; message: string } {
  if (typeof body === "object" && body !== null && "error" in body) {
    const { error } = body;
    if (typeof error === "object" && error !== null && "code" in error && "message" in error) {
      return { code: String(error.code), message: String(error.message) };
    }
  }
  return { code: "unreadable", message: "The kernel answered something that cannot be read." };
}
