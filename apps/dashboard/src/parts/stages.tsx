import type { ReactNode } from "react";
import type { RunDetail } from "../api/queries.ts";
import { Badge } from "./badge.tsx";
import { Empty } from "./states.tsx";
import { Text } from "./text.tsx";
import { duration, Time } from "./time.tsx";

type Stage = RunDetail["result"]["verificationDiagnostics"][number];

/** What verification found, what failed first. */
export function Stages({ stages }: { stages: readonly Stage[] }): ReactNode {
  if (stages.length === 0) return <Empty>No stage has run.</Empty>;
  const longest = Math.max(...stages.map(({ durationMs }) => durationMs), 1);
  const failedFirst = stages.toSorted((a, b) => rank(a) - rank(b));
  return (
    <ul className="plain stages">
      {failedFirst.map((stage) => (
        <li key={stage.name}>
          <div className="row between">
            <span>
              <span className="strong">
                <Text>{stage.name}</Text>
              </span>{" "}
              <span className="muted">{stage.kind}</span>
            </span>
            <span className="row">
              <Bar part={stage.durationMs / longest} />
              <span className="number">{duration(stage.durationMs)}</span>
              <Badge>{stage.status}</Badge>
            </span>
          </div>
          {stage.reason !== null && (
            <p>
              <Text>{stage.reason}</Text>
            </p>
          )}
          {stage.failingTests.length > 0 && (
            <>
              <h3>Failing tests</h3>
              <ul className="failing">
                {stage.failingTests.map((name) => (
                  <li key={name}>
                    <Text>{name}</Text>
                  </li>
                ))}
              </ul>
            </>
          )}
          {stage.outputTail !== "" && (
            <details open={stage.status !== "passed"}>
              <summary>
                Output, {stage.exit ?? "no exit"}, begun <Time at={stage.startedAt} />
              </summary>
              <pre className="output" tabIndex={0} aria-label={`Output of ${stage.name}`}>
                <Text>{stage.outputTail}</Text>
              </pre>
            </details>
          )}
        </li>
      ))}
    </ul>
  );
}

function rank({ status }: Stage): number {
  return status === "failed" ? 0 : status === "error" ? 1 : status === "passed" ? 2 : 3;
}

function Bar({ part }: { part: number }): ReactNode {
  return (
    <svg className="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      <rect width={Math.max(1, part * 100)} height="6" rx="1" />
    </svg>
  );
}
