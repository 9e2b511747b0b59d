import type { ShownEvent } from "@jarvis/tools/self-extension";

// Server-sent events. JSON has no line breaks, so a text of a candidate cannot begin a new field.

/** A row of the ledger; `place` is the id behind which a client goes on that was sent this last. */
export function eventMessage(event: ShownEvent, place: number): string {
  return `id: ${place}\nevent: ledger\ndata: ${JSON.stringify(event)}\n\n`;
}

/** What is not in the ledger and not sent again. */
export function transient(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** The first message: where a client stands that has been sent nothing yet. */
export function hello(place: number): string {
  return `retry: 1000\nid: ${place}\nevent: hello\ndata: {}\n\n`;
}
