import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Schemas } from "../api/client.ts";
import { goalQuery, type Goal, type GoalAttempt } from "../api/queries.ts";
import { GoalControls } from "../controls/goal-controls.tsx";
import { Badge } from "../parts/badge.tsx";
import { Card, Facts, Page } from "../parts/page.tsx";
import { Empty, Loaded } from "../parts/states.tsx";
import { Sha, Text } from "../parts/text.tsx";
import { duration, Time } from "../parts/time.tsx";
import { readReport } from "./attempt-report.ts";
import { spentText } from "./cost-text.ts";

export function GoalPage(): ReactNode {
  const { id } = useParams({ from: "/shell/goals/$id" });
  const query = useQuery(goalQuery(id));
  return (
    <Page title="Goal" intro={<Sha of={36}>{id}</Sha>} aside={<Link to="/goals">All goals</Link>}>
      <Loaded query={query} what="the goal">
        {({ goal, attempts, spent }) => (
          <>
            <Head goal={goal} spent={spent} />
            <Card title="Attempts">
              {attempts.length === 0 && <Empty>It was not tried yet.</Empty>}
              {attempts.map((attempt) => (
                <Attempt key={attempt.number} attempt={attempt} />
              ))}
            </Card>
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Head({ goal, spent }: { goal: Goal; spent: Schemas["Spent"] }): ReactNode {
  return (
    <section className="card" aria-label="The goal">
      <div className="row between">
        <h2>What is to be done</h2>
        <Badge>{goal.state}</Badge>
      </div>
      <p className="goal-text">
        <Text>{goal.text}</Text>
      </p>
      <Facts
        of={[
          ["Why", goal.detail === null ? "–" : <Text key="w">{goal.detail}</Text>],
          ["Priority", String(goal.priority)],
          ["Cost", `${spentText(spent)} in ${spent.steps} steps`],
          ["At most", limitsOf(goal)],
          ["Asked by", <Text key="b">{goal.requestedBy}</Text>],
          ["Added", <Time key="a" at={goal.createdAt} />],
          ["Ended", <Time key="e" at={goal.endedAt} />],
        ]}
      />
      <GoalControls goal={goal} />
    </section>
  );
}

/** The goal's own limits; the configured ones hold beside them. */
function limitsOf(goal: Goal): string {
  const { maxAttempts, maxTokens, maxMicroUsd, maxSteps, maxMinutes } = goal;
  const own = [
    maxAttempts === null ? null : `${maxAttempts} attempts`,
    maxTokens === null ? null : `${maxTokens} tokens`,
    maxMicroUsd === null ? null : `$${maxMicroUsd / 1e6}`,
    maxSteps === null ? null : `${maxSteps} steps`,
    maxMinutes === null ? null : `${maxMinutes} minutes of the model`,
  ].filter((each) => each !== null);
  return own.length === 0 ? "as configured" : own.join(", ");
}

function Attempt({ attempt }: { attempt: GoalAttempt }): ReactNode {
  const { number, runId, spent } = attempt;
  const report = readReport(attempt.report);
  return (
    <section aria-label={`Attempt ${number}`}>
      <div className="row between">
        <h3>Attempt {number}</h3>
        <Badge>{attempt.outcome ?? attempt.state}</Badge>
      </div>
      <Facts
        of={[
          ["Cost", `${spentText(spent)} in ${spent.steps} steps`],
          ["The model took", duration(spent.durationMs)],
          ["Begun", <Time key="b" at={attempt.startedAt} />],
          ["Ended", <Time key="e" at={attempt.endedAt} />],
          ["Proposed as", runId === null ? "–" : <RunLink key="r" id={runId} />],
        ]}
      />
      {report !== null && <Report report={report} number={number} />}
    </section>
  );
}

function RunLink({ id }: { id: string }): ReactNode {
  return (
    <Link to="/runs/$id" params={{ id }}>
      <Text>{id}</Text>
    </Link>
  );
}

/** What came of it, and what the next attempt was told. */
function Report(props: {
  report: NonNullable<ReturnType<typeof readReport>>;
  number: number;
}): ReactNode {
  const { reason, blockReasons, stage, failingTests, tail, plan, tried } = props.report;
  return (
    <>
      <p>
        <Text>{reason}</Text>{" "}
        {blockReasons.map((word) => (
          <code key={word}>{word} </code>
        ))}
      </p>
      {stage !== null && (
        <p className="muted">
          Failing stage: <Text>{stage}</Text>
        </p>
      )}
      <Lines title="Failing tests" of={failingTests} />
      <Lines title="What it planned" of={plan} />
      <Lines title="What it did" of={tried} />
      {tail !== "" && (
        <pre
          className="output"
          tabIndex={0}
          role="region"
          aria-label={`The end of the output of attempt ${props.number}`}
        >
          <Text>{tail}</Text>
        </pre>
      )}
    </>
  );
}

function Lines({ title, of }: { title: string; of: readonly string[] }): ReactNode {
  if (of.length === 0) return null;
  return (
    <>
      <h4>{title}</h4>
      <ul>
        {of.map((line, at) => (
          <li key={at}>
            <Text>{line}</Text>
          </li>
        ))}
      </ul>
    </>
  );
}
