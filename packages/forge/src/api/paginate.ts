import type { Answer, ApiRequest } from "./operation.ts";

export interface Page {
  number: number;
  size: number;
  /** How many entries come before this page. */
  skip: number;
}

// GitHub's own bounds: 30 unless told, never more than 100.
const DEFAULT_SIZE = 30;
const LARGEST_SIZE = 100;

export function readPage(request: ApiRequest): Page {
  const number = Math.max(1, readNumber(request.query.get("page")) ?? 1);
  const asked = readNumber(request.query.get("per_page")) ?? DEFAULT_SIZE;
  const size = Math.min(LARGEST_SIZE, Math.max(1, asked));
  return { number, size, skip: (number - 1) * size };
}

/** Cuts one page out of all entries and renders only those. */
export async function paginate<T>(
  request: ApiRequest,
  entries: readonly T[],
  render: (entry: T) => unknown,
): Promise<Answer> {
  const page = readPage(request);
  const shown = entries.slice(page.skip, page.skip + page.size);
  return {
    status: 200,
    json: await Promise.all(shown.map(render)),
    link: linkHeader(request, entries.length),
  };
}

/** `Link` as GitHub writes it; undefined when one page holds everything. */
export function linkHeader(request: ApiRequest, total: number): string | undefined {
  const { number, size } = readPage(request);
  const last = Math.max(1, Math.ceil(total / size));
  const relations: [string, number][] = [];
  if (number > 1) relations.push(["prev", number - 1]);
  if (number < last) relations.push(["next", number + 1], ["last", last]);
  if (number > 1) relations.push(["first", 1]);
  if (relations.length === 0) return undefined;
  return relations
    .map(([relation, target]) => {
      const url = new URL(request.url);
      url.searchParams.set("page", String(target));
      return `<${url.href}>; rel="${relation}"`;
    })
    .join(", ");
}

function readNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,9}$/u.test(text) ? Number(text) : undefined;
}
