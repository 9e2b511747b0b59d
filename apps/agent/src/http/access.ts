import type { Operation } from "@jarvis/operator-core";

/**
 * What every route takes. A route that is not listed here is nobody's: a new one is refused until
 * somebody has said who may use it.
 */
export const access: Readonly<Record<string, Operation | "anybody">> = {
  // Whoever has the code of a login link, which is asked for there.
  "POST /api/login": "anybody",
  "GET /api/whoami": "read",
  "POST /api/logout": "read",
  "POST /api/login-links": "read",
  "GET /api/openapi.json": "read",
  "GET /api/status": "read",
  "GET /api/self-extension": "read",
  "GET /api/runs": "read",
  "GET /api/runs/{id}": "read",
  "GET /api/runs/{id}/reasons": "read",
  "GET /api/runs/{id}/patch": "read",
  "GET /api/ledger": "read",
  // It takes a core for as long as the ledger is large, and pauses promotion where it finds something.
  "POST /api/ledger/verify": "switch",
  "GET /api/releases": "read",
  "GET /api/trends": "read",
  "GET /api/events": "read",
  "GET /api/stream": "read",
  "GET /api/actions": "read",
  "GET /api/actions/{id}": "read",
  "GET /api/audit": "read",
  "POST /api/proposals": "propose",
  "POST /api/self-extension/promotion": "switch",
  "POST /api/mode": "switch",
  "POST /api/kill-switch": "switch",
  "POST /api/accept": "switch",
  "POST /api/rollback": "switch",
  "POST /api/tools/{name}/call": "switch",
  "GET /api/holds": "read",
  "POST /api/holds/{id}/lift": "switch",
  // It asks the host, whose requests are counted.
  "GET /api/host": "switch",
  "POST /api/takeover": "switch",
  "POST /api/recover": "switch",
  "GET /api/sessions": "read",
  "POST /api/sessions/{id}/release": "switch",
  "GET /api/goals": "read",
  "GET /api/goals/{id}": "read",
  // A goal spends money and ends in promotions: an operator's word.
  "POST /api/goals": "switch",
  "POST /api/goals/{id}/{move}": "switch",
  "POST /api/actions/{id}/approve": "approve",
  "POST /api/actions/{id}/reject": "reject",
  "POST /api/actions/{id}/cancel": "switch",
};
