import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { holdsQuery, statusQuery, type Hold, type Run, type Status } from "../api/queries.ts";
import { LiftControl, ModeControl, PauseControl, RollbackControl } from "../controls/controls.tsx";
import { Badge } from "../parts/badge.tsx";
import { Card, Facts, Page } from "../parts/page.tsx";
import { Pipeline } from "../parts/pipeline.tsx";
import { Empty, Loaded } from "../parts/states.tsx";
import { Sha, Text } from "../parts/text.tsx";
import { Ago, Time } from "../parts/time.tsx";
import { verdictOf } from "./verdict.ts";

/** What an operator wants to know within five seconds. */
export function Now(): ReactNode {
  const query = useQuery(statusQuery);
  return (
    <Page title="Now">
      <Loaded query={query} what="the state of the kernel">
        {(status) => (
          <>
            <Summary status={status} />
            <div className="cards">
              <Current runs={status.openRuns} />
              <Running status={status} />
              <SwitchCard status={status} />
              <Machine status={status} />
              <Holds />
            </div>
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Summary({ status }: { status: Status }): ReactNode {
  const { tone, sentence, notes } = verdictOf(status);
  return (
    <section className={`summary ${tone}`} aria-label="Summary">
      <p className="sentence">{sentence}</p>
      {notes.length > 0 && (
        <ul>
          {notes.map((note) => (
            <li key={note}>
              <Text>{note}</Text>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Current({ runs }: { runs: readonly Run[] }): ReactNode {
  return (
    <Card title="Being changed" wide>
      {runs.length === 0 ? (
        <Empty>
          Nothing is being changed. <code>jarvis propose --patch FILE</code> hands a change in.
        </Empty>
      ) : (
        <ul className="plain">
          {runs.map((run) => (
            <li key={run.runId} className="current-run">
              <div className="row between">
                <Link to="/runs/$id" params={{ id: run.runId }} className="strong">
                  <Text>{run.title ?? run.runId}</Text>
                </Link>
                <Badge>{run.status}</Badge>
              </div>
              <Pipeline run={run} />
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function Running({ status }: { status: Status }): ReactNode {
  const { body, serving, baseline } = status;
  return (
    <Card title="Running">
      <Facts
        of={[
          ["Serving", <Sha key="s">{serving}</Sha>],
          ["Baseline", <Sha key="b">{baseline}</Sha>],
          ["Body", body === null ? "the base names none" : <Badge key="y">{body.state}</Badge>],
          ["Base", <BaseLine key="l" status={status} />],
          ...(body === null ? [] : ([["Tools", String(body.tools.length)]] as const)),
        ]}
      />
      <h3>Health window</h3>
      {body?.window == null ? (
        <p className="muted">Nothing new is being watched.</p>
      ) : (
        <Facts
          of={[
            [
              "Change",
              <Link key="r" to="/runs/$id" params={{ id: body.window.runId }}>
                <Sha of={13}>{body.window.runId}</Sha>
              </Link>,
            ],
            ["Verdict so far", <Badge key="v">{body.window.verdict}</Badge>],
            ["Exposures", `${body.window.exposures}, of which ${body.window.errors} failed`],
            ["Why", <Text key="w">{body.window.reasons.join(", ") || "–"}</Text>],
          ]}
        />
      )}
      {body !== null && (
        <div className="row">
          <RollbackControl />
        </div>
      )}
    </Card>
  );
}

function BaseLine({ status }: { status: Status }): ReactNode {
  return (
    <>
      <Text>{status.base.branch}</Text> at <Sha>{status.base.lastSeen}</Sha>
    </>
  );
}

function SwitchCard({ status }: { status: Status }): ReactNode {
  const { safety, promotion } = status;
  return (
    <Card title="Switches">
      <Facts
        of={[
          ["Mode", <Badge key="m">{safety.killSwitch ? "killed" : safety.mode}</Badge>],
          ["Why", <Text key="w">{safety.reason}</Text>],
          [
            "Promotion",
            <Badge key="p" tone={promotion.paused ? "warn" : "good"}>
              {promotion.paused ? "paused" : "open"}
            </Badge>,
          ],
          ["Why", <Text key="y">{promotion.reason}</Text>],
          ["Set by", <Text key="b">{promotion.updatedBy}</Text>],
          ["Since", <Time key="t" at={promotion.updatedAt} />],
          ...(promotion.problem === null
            ? []
            : ([["Problem", <Text key="x">{promotion.problem}</Text>]] as const)),
        ]}
      />
      <div className="row">
        <ModeControl status={status} />
        <PauseControl status={status} />
      </div>
    </Card>
  );
}

function Machine({ status }: { status: Status }): ReactNode {
  const { sandbox, database, host, kernel, repository } = status;
  return (
    <Card title="Machine">
      <Facts
        of={[
          [
            "Sandbox",
            <Badge key="s" tone={sandbox.available ? "good" : "bad"}>
              {sandbox.available ? (sandbox.tier ?? "available") : "missing"}
            </Badge>,
          ],
          ...(sandbox.message === null
            ? []
            : ([["", <Text key="m">{sandbox.message}</Text>]] as const)),
          [
            "Database",
            <>
              {database.server}, ledger{" "}
              <Badge tone={database.guard === "enforced" ? "good" : "warn"}>
                {database.ledger}
              </Badge>
            </>,
          ],
          [
            host.kind === "github" ? "GitHub" : "Forge",
            <a key="h" href={host.webUrl} rel="noreferrer" target="_blank">
              {host.webUrl}
            </a>,
          ],
          ["Repository", <Text key="r">{repository.directory}</Text>],
          [
            "Kernel",
            <>
              process {kernel.pid}, started <Ago at={kernel.startedAt} />
            </>,
          ],
        ]}
      />
    </Card>
  );
}

function Holds(): ReactNode {
  const query = useQuery(holdsQuery);
  return (
    <Card title="Held after a rollback">
      <Loaded query={query} what="what is held">
        {(holds) => <HeldList holds={holds} />}
      </Loaded>
    </Card>
  );
}

function HeldList({ holds }: { holds: readonly Hold[] }): ReactNode {
  // One that was just lifted keeps its place, hidden, so that its dialog can show the answer.
  const [shown, setShown] = useState(holds);
  const fresh = holds.filter(({ runId }) => !shown.some((hold) => hold.runId === runId));
  if (fresh.length > 0) setShown([...shown, ...fresh]);
  const isHeld = (runId: string): boolean => holds.some((hold) => hold.runId === runId);
  return (
    <>
      {holds.length === 0 && <Empty>Nothing is held.</Empty>}
      <ul className="plain" hidden={holds.length === 0}>
        {shown.map(({ runId, title, since }) => (
          <li key={runId} className="row between" hidden={!isHeld(runId)}>
            <span>
              <Link to="/runs/$id" params={{ id: runId }}>
                <Text>{title}</Text>
              </Link>{" "}
              <span className="muted">
                since <Time at={since} />
              </span>
            </span>
            <LiftControl runId={runId} title={title} isOffered={isHeld(runId)} />
          </li>
        ))}
      </ul>
    </>
  );
}
