import { QueryClient } from "@tanstack/react-query";
import { expect, it } from "vitest";
import { addEvent, eventsQuery, MOST_EVENTS, type LedgerEvent } from "./queries.ts";

it("a page that stays open holds the newest events, and goes on behind them", () => {
  const client = new QueryClient();
  const { queryKey } = eventsQuery({});
  client.setQueryData(queryKey, {
    pages: [[anEvent(2)], [anEvent(1)]],
    pageParams: [undefined, "2"],
  });
  const last = MOST_EVENTS + 10;
  for (let id = 3; id <= last; id += 1) addEvent(client, anEvent(id));
  const { pages = [], pageParams = [] } = client.getQueryData(queryKey) ?? {};
  const held = pages.flat().map(({ id }) => Number(id));
  expect(held.length).toBeLessThanOrEqual(MOST_EVENTS);
  expect(held[0]).toBe(last);
  // Without a hole: what was let go is older than everything that is left.
  expect(held).toEqual(held.map((_, index) => last - index));
  expect(pageParams).toHaveLength(pages.length);
});

function anEvent(id: number): LedgerEvent {
  return {
    id: String(id),
    runId: "r",
    correlationId: "c",
    seq: id,
    type: "proposed",
    stage: "propose",
    context: {},
    payload: {},
    createdAt: "2026-01-01T00:00:00.000Z",
  };
}
