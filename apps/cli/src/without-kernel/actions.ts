import type { ActionState, AuditEventType } from "@jarvis/db/action-words";
import {
  ActionAuditor,
  listProposals,
  readProposal,
  redactSecrets,
  type ActionProposal,
} from "@jarvis/operator-core";
import type { z } from "zod";
import type { CliConfig } from "../config.ts";
import { withLocalState } from "../local-state.ts";
import * as wire from "../wire.ts";

// What the kernel answers about actions, from the database itself.

export async function listActions(
  config: CliConfig,
  { state, limit }: { state: ActionState | undefined; limit: number },
): Promise<wire.WireAction[]> {
  const states = state === undefined ? undefined : [state];
  return await withLocalState(config, async ({ db }) =>
    (await listProposals(db, { states, limit })).map(asAction),
  );
}

export async function readAction(
  config: CliConfig,
  id: number,
): Promise<z.infer<typeof wire.actionDetail>> {
  return await withLocalState(config, async ({ db }) => {
    const action = asAction(await readProposal(db, id));
    const events = await new ActionAuditor(db).getEvents({ proposalId: id, limit: 500 });
    return wire.actionDetail.parse({ action, events });
  });
}

export async function listAudit(
  config: CliConfig,
  filter: {
    proposalId: number | undefined;
    eventType: AuditEventType | undefined;
    after: number | undefined;
    newest: boolean | undefined;
    limit: number;
  },
): Promise<z.infer<typeof wire.auditList>> {
  return await withLocalState(config, async ({ db }) =>
    wire.auditList.parse({ events: await new ActionAuditor(db).getEvents(filter) }),
  );
}

function asAction(proposal: ActionProposal): wire.WireAction {
  const parameters = redactSecrets(proposal.parameters).value;
  return wire.action.parse({ ...proposal, parameters, digest: proposal.parametersDigest });
}
