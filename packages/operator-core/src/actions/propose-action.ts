import { actionProposals, parametersLimitBytes } from "@jarvis/db";
import type { JarvisDatabase } from "@jarvis/db";
import { requireActionQuota } from "../access/action-usage.ts";
import type { Quota } from "../access/quota.ts";
import { messageOf, OperatorError } from "../errors.ts";
import { redactSecrets } from "../redaction.ts";
import { digestOf, jsonbBytes, proposalOf } from "./action-proposal.ts";
import type { ActionProposal } from "./action-proposal.ts";
import type { ActionRegistry } from "./action-registry.ts";
import { ActionAuditor } from "./auditor.ts";
import type { Principal } from "./audit-event.ts";
import { clip } from "./event-data.ts";

export type ActionRequest = {
  readonly actionName: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly reason: string;
  readonly requester: Principal;
  readonly agentId: string | null;
  readonly sessionId: string;
};

/** How much whoever asks for this may ask for in all; null is no limit. */
export type QuotaOf = (request: Pick<ActionRequest, "actionName" | "requester">) => Quota | null;

type Proposing = {
  readonly registry: ActionRegistry;
  readonly quotaOf?: QuotaOf;
};

/**
 * Records what somebody wants done.
 * @throws OperatorError `malformed-proposal` for parameters that cannot be stored, `quota-exceeded`.
 */
export async function proposeAction(
  db: JarvisDatabase,
  { registry, quotaOf }: Proposing,
  request: ActionRequest,
): Promise<ActionProposal> {
  const { actionName, requester, agentId, sessionId } = request;
  const definition = registry.get(actionName);
  const parameters = storable(request.parameters);
  const quota = quotaOf?.(request) ?? null;
  return await db.transaction(async (tx) => {
    if (quota !== null) {
      const bytes = jsonbBytes(JSON.stringify(parameters));
      await requireActionQuota(tx, requester.name, { quota, bytes });
    }
    const [row] = await tx
      .insert(actionProposals)
      .values({
        actionName,
        parameters,
        parametersDigest: digestOf({ actionName, parameters }),
        reason: clip(String(redactSecrets(request.reason).value), 2_000),
        // What nobody knows is taken for the worst, and validation rejects it.
        effect: definition?.effect ?? "irreversible",
        risk: definition?.risk ?? "critical",
        needsApproval: definition?.needsApproval ?? true,
        requesterKind: requester.kind,
        requestedBy: requester.name,
        agentId,
        sessionId,
      })
      .returning();
    if (row === undefined) {
      throw new OperatorError("proposal-unreadable", "The database took a proposal and gave none.");
    }
    const proposal = proposalOf(row);
    await new ActionAuditor(tx).logProposalCreated(proposal);
    return proposal;
  });
}

// What PostgreSQL cannot hold is refused here, with a sentence: it would be executed as given.
function storable(parameters: Readonly<Record<string, unknown>>): Record<string, unknown> {
  let json: string;
  try {
    json = JSON.stringify(parameters);
  } catch (error) {
    const message = `The parameters of an action have to be JSON: ${messageOf(error)}`;
    throw new OperatorError("malformed-proposal", message, { cause: error });
  }
  const bytes = jsonbBytes(json);
  if (bytes > parametersLimitBytes) {
    throw new OperatorError(
      "malformed-proposal",
      `The parameters of an action take ${bytes} bytes, expected at most ${parametersLimitBytes}: hand long content over by its digest.`,
    );
  }
  // JSON.stringify escapes NUL and half surrogate pairs, and nothing else, in these forms.
  if (/(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/i.test(json)) {
    throw new OperatorError(
      "malformed-proposal",
      "The parameters of an action hold NUL or half a character, which the database cannot keep: encode them, as base64 for example.",
    );
  }
  return JSON.parse(json) as Record<string, unknown>;
}
