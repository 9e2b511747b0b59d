import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { lazy, Suspense, type ReactNode } from "react";
import { patchQuery, reasonsQuery, runQuery, type RunDetail } from "../api/queries.ts";
import { RollbackControl } from "../controls/controls.tsx";
import { Badge } from "../parts/badge.tsx";
import { EventRow } from "../parts/event-row.tsx";
import { Card, Facts, Page } from "../parts/page.tsx";
import { Pipeline } from "../parts/pipeline.tsx";
import { Stages } from "../parts/stages.tsx";
import { Empty, Loaded, Loading } from "../parts/states.tsx";
import { Sha, Text } from "../parts/text.tsx";
import { Time } from "../parts/time.tsx";
import { spentText } from "./cost-text.ts";

// The colours of a diff are a quarter of the script, and one screen's.
const Diff = lazy(async () => ({ default: (await import("../parts/diff.tsx")).Diff }));

export function RunPage(): ReactNode {
  const { id } = useParams({ from: "/shell/runs/$id" });
  const query = useQuery(runQuery(id));
  return (
    <Page title="Run" intro={<Sha of={36}>{id}</Sha>} aside={<Link to="/runs">All runs</Link>}>
      <Loaded query={query} what="the run">
        {(detail) => <Detail detail={detail} />}
      </Loaded>
    </Page>
  );
}

function Detail({ detail }: { detail: RunDetail }): ReactNode {
  const { run, result, events } = detail;
  const mayGoBack = run.status === "watched" || run.status === "blessed";
  return (
    <>
      <section className="card" aria-label="The change">
        <div className="row between">
          <h2 className="big">
            <Text>{run.title ?? "A change without a title"}</Text>
          </h2>
          <Badge>{run.status}</Badge>
        </div>
        <Pipeline run={run} />
        {result.error !== null && (
          <p>
            <Text>{result.error}</Text>
          </p>
        )}
        <Facts
          of={[
            ["Begun", <Time key="s" at={run.startedAt} />],
            ["Ended", <Time key="e" at={run.endedAt} />],
            ["Attempt", String(run.attempt)],
            ["Base", <Sha key="b">{result.baseSha}</Sha>],
            ["Tree", <Sha key="t">{result.treeSha}</Sha>],
            ["Landed as", <Sha key="m">{result.mergeSha}</Sha>],
            ["Release", <Sha key="r">{result.releaseDigest}</Sha>],
            ["Written for", <WrittenFor key="w" cost={detail.cost} />],
            ["Pull request", <PullRequest key="p" result={result} />],
          ]}
        />
        {mayGoBack && (
          <div className="row">
            <RollbackControl />
          </div>
        )}
      </section>
      <Reasons id={run.runId} isWaiting={run.blockReasons.length > 0} />
      <Rollback result={result} />
      <Card title="Evidence">
        <p className="muted">
          <Text>{result.verificationSummary ?? "Not verified yet."}</Text> Test evidence:{" "}
          {result.testEvidence}.
        </p>
        <Stages stages={result.verificationDiagnostics} />
      </Card>
      <PatchCard id={run.runId} />
      <Card title="Events">
        {events.map((event) => (
          <EventRow key={event.id} event={event} />
        ))}
      </Card>
    </>
  );
}

/** The goal that the change was authored for, and what that attempt took. */
function WrittenFor({ cost }: { cost: RunDetail["cost"] }): ReactNode {
  if (cost === null) return "–";
  return (
    <>
      {spentText(cost.spent)}, attempt {cost.attempt} at{" "}
      <Link to="/goals/$id" params={{ id: cost.goalId }}>
        its goal
      </Link>
    </>
  );
}

function PullRequest({ result }: { result: RunDetail["result"] }): ReactNode {
  const { pullRequestUrl: url, pullRequestNumber: number } = result;
  // The host's own words: only what is a web address is made a link.
  return url !== null && /^https?:\/\//.test(url) ? (
    <a href={url} rel="noreferrer" target="_blank">
      #{number}
    </a>
  ) : (
    "–"
  );
}

/** Asked of the function that decides, not guessed here. */
function Reasons({ id, isWaiting }: { id: string; isWaiting: boolean }): ReactNode {
  const query = useQuery({ ...reasonsQuery(id), enabled: isWaiting });
  if (!isWaiting) return null;
  return (
    <Card title="Why it does not go on">
      <Loaded query={query} what="the reasons">
        {({ recorded, detail, now, needsPerson }) => (
          <>
            <ul>
              {recorded.map(({ reason, meaning }) => (
                <li key={reason}>
                  <code>{reason}</code> {meaning}
                </li>
              ))}
            </ul>
            <p className="muted">
              <Text>{detail}</Text>
            </p>
            {now.length > 0 && (
              <>
                <h3>At this moment</h3>
                <ul>
                  {now.map(({ reason, detail: why }) => (
                    <li key={reason}>
                      <code>{reason}</code> <Text>{why}</Text>
                    </li>
                  ))}
                </ul>
              </>
            )}
            {needsPerson && (
              <p>
                A person decides: see <Link to="/actions">Actions</Link>.
              </p>
            )}
          </>
        )}
      </Loaded>
    </Card>
  );
}

function Rollback({ result }: { result: RunDetail["result"] }): ReactNode {
  if (!result.rollbackAttempted) return null;
  const { rollbackRunId } = result;
  return (
    <Card title="Rollback">
      <Facts
        of={[
          ["How it went", <Badge key="s">{result.rollbackStatus ?? "started"}</Badge>],
          ["Why", <Text key="r">{result.rollbackReason}</Text>],
          ["Back to", <Sha key="t">{result.rollbackTargetBaselineSha}</Sha>],
          [
            "Taken back by",
            rollbackRunId === null ? (
              "–"
            ) : (
              <Link key="l" to="/runs/$id" params={{ id: rollbackRunId }}>
                <Sha of={13}>{rollbackRunId}</Sha>
              </Link>
            ),
          ],
        ]}
      />
    </Card>
  );
}

function PatchCard({ id }: { id: string }): ReactNode {
  const query = useQuery(patchQuery(id));
  return (
    <Card title="The patch">
      <Loaded query={query} what="the patch">
        {({ patch, isCut, digest }) =>
          patch === null ? (
            <Empty>
              {digest === null ? "There is no patch." : "The patch is not kept any more."}
            </Empty>
          ) : (
            <Suspense fallback={<Loading what="the patch" />}>
              <Diff patch={patch} />
              {isCut && <p className="muted">Cut here; the pull request has the whole.</p>}
            </Suspense>
          )
        }
      </Loaded>
    </Card>
  );
}
