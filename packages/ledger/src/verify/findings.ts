import { ledgerOfNumber } from "../rows/leaf.ts";
import { attackMeanings, type Divergence } from "./report.ts";

/** So many divergences are told one by one; the first is what counts. */
const TOLD = 50;

/** What a verification has found so far. */
export class Findings {
  readonly #divergences: Divergence[] = [];

  add(
    attack: Divergence["attack"],
    facts: {
      readonly event?: { readonly ledger: number; readonly id: number };
      readonly leafIndex?: number;
      readonly detail: string;
    },
  ): void {
    if (this.#divergences.length >= TOLD) return;
    this.#divergences.push({
      attack,
      leafIndex: facts.leafIndex ?? null,
      ledger: facts.event === undefined ? null : ledgerOfNumber(facts.event.ledger),
      eventId: facts.event?.id ?? null,
      detail: facts.detail,
      meaning: attackMeanings[attack],
    });
  }

  isEmpty(): boolean {
    return this.#divergences.length === 0;
  }

  report(): { ok: boolean; divergences: readonly Divergence[] } {
    const place = ({ leafIndex }: Divergence): number => leafIndex ?? Number.MAX_SAFE_INTEGER;
    const sorted = this.#divergences.toSorted((a, b) => place(a) - place(b));
    return { ok: sorted.length === 0, divergences: sorted };
  }
}
