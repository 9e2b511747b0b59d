import { channel } from "node:diagnostics_channel";

/** A request of the API and what was answered. Never a token: no header but these two. */
export interface Exchange {
  method: string;
  /** Below the API's address, with its query. */
  path: string;
  accept: string;
  requestText: string;
  status: number;
  contentType: string;
  responseText: string;
}

/** For who checks what passes through; nothing is put together where nobody listens. */
export const exchanges = channel("jarvis-forge.exchange");
