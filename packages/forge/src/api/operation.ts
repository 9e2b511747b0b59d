import type { Actor } from "../actor.ts";
import type { World } from "../world.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** The names in braces of a path such as `/repos/{owner}/{repo}/git/ref/{ref}`. */
type ParametersOf<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? { [K in Name]: string } & ParametersOf<Rest>
  : unknown;

export interface ApiRequest<Parameters = unknown> {
  parameters: Parameters;
  query: URLSearchParams;
  /** Parsed JSON that nobody checked yet; undefined when the request had no body. */
  body: unknown;
  actor: Actor;
  accept: string;
  /** The request's own address, from which pages are linked. */
  url: URL;
}

export type Answer =
  | { status: number; json: unknown; link?: string | undefined }
  | { status: number; text: string; contentType: string }
  | { status: 204 };

/** One entry of GitHub's API, under the name that GitHub's description gives it. */
export interface Operation {
  id: string;
  method: Method;
  path: string;
  handle(request: ApiRequest<Record<string, string>>, world: World): Promise<Answer>;
}

/** Types the handler's parameters by the path. */
export function operation<const Path extends string>(
  id: string,
  method: Method,
  path: Path,
  handle: (request: ApiRequest<ParametersOf<Path>>, world: World) => Promise<Answer>,
): Operation {
  return {
    id,
    method,
    path,
    // matchOperation fills in exactly the names in the path.
    handle: (request, world) => handle(request as ApiRequest<ParametersOf<Path>>, world),
  };
}

export function ok(json: unknown): Answer {
  return { status: 200, json };
}

export function created(json: unknown): Answer {
  return { status: 201, json };
}

export const noContent: Answer = { status: 204 };
