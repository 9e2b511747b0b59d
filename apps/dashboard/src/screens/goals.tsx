import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { goalsQuery, type ListedGoal } from "../api/queries.ts";
import { Badge } from "../parts/badge.tsx";
import { Choice } from "../parts/choice.tsx";
import { More } from "../parts/more.tsx";
import { Page } from "../parts/page.tsx";
import { Empty, Loaded } from "../parts/states.tsx";
import { Text } from "../parts/text.tsx";
import { Time } from "../parts/time.tsx";
import { AddGoal } from "./add-goal.tsx";
import { spentText } from "./cost-text.ts";

const states = ["open", "running", "paused", "reached", "given-up", "cancelled"] as const;
const SHOWN = 160;

/** What Jarvis is asked to make of itself, newest first, and what that took. */
export function Goals(): ReactNode {
  const { state: given } = useSearch({ from: "/shell/goals" });
  const state = states.find((known) => known === given);
  const navigate = useNavigate();
  const query = useInfiniteQuery(goalsQuery(state));
  const choose = (next: string | undefined): void =>
    void navigate({ to: "/goals", search: next === undefined ? {} : { state: next } });
  return (
    <Page
      title="Goals"
      intro="What Jarvis is asked to make of itself. One is worked on at a time, the most urgent first."
      aside={
        <Choice label="State" all="every state" words={states} value={state} onChange={choose} />
      }
    >
      <AddGoal />
      <Loaded query={query} what="the goals">
        {({ pages }) => {
          const goals = pages.flatMap((each) => each.goals);
          return (
            <>
              {pages[0]?.model === null && (
                <p className="muted">
                  No model is configured, so goals wait. Start Jarvis with{" "}
                  <code>JARVIS_MODEL=provider/model</code>.
                </p>
              )}
              {goals.length === 0 ? (
                <Empty>
                  {state === undefined ? "There are no goals yet." : "No goal is in this state."}
                </Empty>
              ) : (
                <GoalTable goals={goals} />
              )}
              <More query={query} />
            </>
          );
        }}
      </Loaded>
    </Page>
  );
}

function GoalTable({ goals }: { goals: readonly ListedGoal[] }): ReactNode {
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Table of goals">
      <table>
        <thead>
          <tr>
            <th scope="col">Goal</th>
            <th scope="col">State</th>
            <th scope="col">Priority</th>
            <th scope="col">Attempts</th>
            <th scope="col">Cost</th>
            <th scope="col">Asked by</th>
            <th scope="col">Added</th>
          </tr>
        </thead>
        <tbody>
          {goals.map((goal) => (
            <GoalRow key={goal.id} goal={goal} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function GoalRow({ goal }: { goal: ListedGoal }): ReactNode {
  const { text, attempts, maxAttempts } = goal;
  return (
    <tr>
      <th scope="row">
        <Link to="/goals/$id" params={{ id: goal.id }}>
          <Text>{text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text}</Text>
        </Link>
      </th>
      <td>
        <Badge>{goal.state}</Badge>
      </td>
      <td className="number">{goal.priority}</td>
      <td className="number">
        {attempts}
        {maxAttempts !== null && ` of ${maxAttempts}`}
      </td>
      <td className="number">{spentText(goal.spent)}</td>
      <td>
        <Text>{goal.requestedBy}</Text>
      </td>
      <td>
        <Time at={goal.createdAt} />
      </td>
    </tr>
  );
}
