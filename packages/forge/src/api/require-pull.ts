import { notFound } from "../problem.ts";
import type { Repository } from "../repository.ts";
import type { PullDocument } from "../state/documents.ts";
import type { Stored } from "../state/state-store.ts";

export async function requirePull(
  repository: Repository,
  number: string,
): Promise<Stored<PullDocument>> {
  const pull = /^[1-9]\d{0,8}$/u.test(number)
    ? await repository.state.pull(Number(number))
    : undefined;
  if (pull === undefined) throw notFound();
  return pull;
}
