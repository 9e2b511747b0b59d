import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { runsQuery, type Run } from "../api/queries.ts";
import { Badge } from "../parts/badge.tsx";
import { Choice } from "../parts/choice.tsx";
import { More } from "../parts/more.tsx";
import { Page } from "../parts/page.tsx";
import { Empty, Loaded } from "../parts/states.tsx";
import { Sha, Text } from "../parts/text.tsx";
import { duration, Time } from "../parts/time.tsx";

const statuses = [
  "proposed",
  "tested",
  "parked",
  "blocked",
  "promoted",
  "failed",
  "watched",
  "blessed",
  "rolling-back",
  "rolled-back",
  "rollback-failed",
];

/** Every change that was handed in, newest first. */
export function Runs(): ReactNode {
  const { status } = useSearch({ from: "/shell/runs" });
  const navigate = useNavigate();
  const query = useInfiniteQuery(runsQuery(status));
  const choose = (next: string | undefined): void =>
    void navigate({ to: "/runs", search: next === undefined ? {} : { status: next } });
  return (
    <Page
      title="Runs"
      intro="A run is one change on its way through the pipeline."
      aside={
        <Choice
          label="Status"
          all="every status"
          words={statuses}
          value={status}
          onChange={choose}
        />
      }
    >
      <Loaded query={query} what="the runs">
        {({ pages }) => {
          const runs = pages.flat();
          return runs.length === 0 ? (
            <Empty>
              {status === undefined
                ? "No change was handed in yet."
                : "No run has this status now."}
            </Empty>
          ) : (
            <>
              <div className="scroll" tabIndex={0} role="region" aria-label="Table of runs">
                <table>
                  <thead>
                    <tr>
                      <th scope="col">Change</th>
                      <th scope="col">Status</th>
                      <th scope="col">Why not</th>
                      <th scope="col">Begun</th>
                      <th scope="col">Took</th>
                      <th scope="col">Landed as</th>
                    </tr>
                  </thead>
                  <tbody>
                    {runs.map((run) => (
                      <RunRow key={run.runId} run={run} />
                    ))}
                  </tbody>
                </table>
              </div>
              <More query={query} />
            </>
          );
        }}
      </Loaded>
    </Page>
  );
}

function RunRow({ run }: { run: Run }): ReactNode {
  const { startedAt, endedAt } = run;
  return (
    <tr>
      <th scope="row">
        <Link to="/runs/$id" params={{ id: run.runId }}>
          <Text>{run.title ?? run.runId}</Text>
        </Link>
        {run.progress !== null && (
          <div className="muted small">
            <span className="spinner" aria-hidden="true" /> <Text>{run.progress.what}</Text>
          </div>
        )}
      </th>
      <td>
        <Badge>{run.status}</Badge>
      </td>
      <td className="small">{run.blockReasons.join(", ")}</td>
      <td>
        <Time at={startedAt} />
      </td>
      <td className="number">
        {startedAt !== null && endedAt !== null
          ? duration(Date.parse(endedAt) - Date.parse(startedAt))
          : "–"}
      </td>
      <td>{run.mergeSha === null ? "–" : <Sha>{run.mergeSha}</Sha>}</td>
    </tr>
  );
}
