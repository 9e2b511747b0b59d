import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { answerOf, api } from "../api/client.ts";
import { actionsQuery, type Action } from "../api/queries.ts";
import { useMay } from "../controls/controls.tsx";
import { Ask } from "../parts/ask.tsx";
import { Badge } from "../parts/badge.tsx";
import { More } from "../parts/more.tsx";
import { Card, Facts, Page } from "../parts/page.tsx";
import { Empty, Loaded } from "../parts/states.tsx";
import { Sha, Text } from "../parts/text.tsx";
import { Time } from "../parts/time.tsx";

/** What Jarvis wants to do; what waits for a person stands first. */
export function Actions(): ReactNode {
  const query = useInfiniteQuery(actionsQuery);
  return (
    <Page title="Actions" intro="What was proposed, with its risk. Some wait for a person.">
      <Loaded query={query} what="the actions">
        {({ pages }) => {
          const actions = pages.flat();
          const waiting = actions.filter(waits);
          return actions.length === 0 ? (
            <Empty>No action was proposed yet.</Empty>
          ) : (
            <>
              {waiting.map((action) => (
                <Waiting key={action.id} action={action} />
              ))}
              {waiting.length === 0 && <Empty>Nothing waits for a person.</Empty>}
              <Card title="All actions">
                <div className="scroll" tabIndex={0} role="region" aria-label="Table of actions">
                  <table>
                    <thead>
                      <tr>
                        <th scope="col">Action</th>
                        <th scope="col">State</th>
                        <th scope="col">Risk</th>
                        <th scope="col">Asked by</th>
                        <th scope="col">Approved by</th>
                        <th scope="col">Proposed</th>
                        <th scope="col">How it ended</th>
                      </tr>
                    </thead>
                    <tbody>
                      {actions.map((action) => (
                        <Row key={action.id} action={action} />
                      ))}
                    </tbody>
                  </table>
                </div>
              </Card>
              <More query={query} />
            </>
          );
        }}
      </Loaded>
    </Page>
  );
}

function waits({ state, needsApproval }: Action): boolean {
  return needsApproval && (state === "proposed" || state === "validated");
}

function Row({ action }: { action: Action }): ReactNode {
  return (
    <tr>
      <th scope="row">
        <span className="muted number">{action.id}</span> <Text>{action.actionName}</Text>
        <div className="muted small">
          <Text>{action.reason}</Text>
        </div>
      </th>
      <td>
        <Badge>{action.state}</Badge>
      </td>
      <td>
        <Risk action={action} />
      </td>
      <td>
        <Text>{action.requestedBy}</Text>
      </td>
      <td>
        <Text>{action.approvedBy ?? "–"}</Text>
      </td>
      <td>
        <Time at={action.createdAt} />
      </td>
      <td className="small">
        <Text>{action.endReason ?? "–"}</Text>
      </td>
    </tr>
  );
}

function Risk({ action }: { action: Action }): ReactNode {
  const tone = action.risk === "low" ? "quiet" : action.risk === "medium" ? "warn" : "bad";
  return <Badge tone={tone}>{action.risk}</Badge>;
}

/** Shown as it would be carried out: what is approved is this and nothing else. */
function Waiting({ action }: { action: Action }): ReactNode {
  const mayApprove = useMay("approve");
  const mayReject = useMay("reject");
  const client = useQueryClient();
  const onDone = (): void => void client.invalidateQueries({ queryKey: ["actions"] });
  const path = { id: action.id };
  return (
    <section className="card waiting" aria-label={`Action ${action.id} waits for a person`}>
      <div className="row between">
        <h2>
          <Text>{action.actionName}</Text> <span className="muted">{action.id}</span>
        </h2>
        <Risk action={action} />
      </div>
      <p>
        <Text>{action.reason}</Text>
      </p>
      <Facts
        of={[
          ["Asked by", <Text key="b">{action.requestedBy}</Text>],
          ["Effect", action.effect],
          ["Proposed", <Time key="t" at={action.createdAt} />],
          ["Digest", <Sha key="d">{action.digest}</Sha>],
        ]}
      />
      <pre className="payload" tabIndex={0} aria-label={`Parameters of action ${action.id}`}>
        <Text>{JSON.stringify(action.parameters, null, 2)}</Text>
      </pre>
      {!mayApprove && (
        <p className="muted">
          To approve, open the page with <code>jarvis login --role approve</code>: who operates does
          not approve.
        </p>
      )}
      <div className="row">
        <Ask
          label="Approve"
          title={`Approve action ${action.id}`}
          explain="Exactly what is shown is carried out, now."
          confirm="Approve and carry out"
          waiting="Waiting for how it ends"
          kind="primary"
          reason="none"
          isDisabled={!mayApprove}
          perform={async () =>
            await answerOf(
              api.POST("/api/actions/{id}/approve", {
                params: { path },
                body: { digest: action.digest },
              }),
            )
          }
          describe={({ execution }) => (
            <p>
              <strong>{execution.outcome}</strong> <Text>{execution.detail}</Text>
            </p>
          )}
          onDone={onDone}
        />
        <Ask
          label="Reject"
          title={`Reject action ${action.id}`}
          explain="It will not be carried out."
          confirm="Reject"
          waiting="Rejecting"
          isDisabled={!mayReject}
          perform={async (reason) =>
            await answerOf(
              api.POST("/api/actions/{id}/reject", { params: { path }, body: { reason } }),
            )
          }
          describe={() => <p>Rejected.</p>}
          onDone={onDone}
        />
      </div>
    </section>
  );
}
