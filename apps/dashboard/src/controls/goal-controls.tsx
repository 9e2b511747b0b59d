import { useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { answerOf, api } from "../api/client.ts";
import type { Goal } from "../api/queries.ts";
import { Ask } from "../parts/ask.tsx";
import { useMay } from "./controls.tsx";

const moves = [
  {
    move: "resume",
    from: ["paused"],
    label: "Resume the goal",
    confirm: "Resume",
    waiting: "Resuming",
    kind: "primary",
    explain: "It is worked on again when its turn comes.",
  },
  {
    move: "pause",
    from: ["open", "running"],
    label: "Pause the goal",
    confirm: "Pause",
    waiting: "Pausing",
    kind: "plain",
    explain:
      "A request to the model is stopped, and none is made for this goal until somebody resumes it. What it has proposed goes on.",
  },
  {
    move: "cancel",
    from: ["open", "running", "paused"],
    label: "Cancel the goal",
    confirm: "Cancel the goal",
    waiting: "Cancelling",
    kind: "danger",
    explain:
      "Nobody works on it any more, and it cannot be taken up again. What it has proposed goes on.",
  },
] as const;

/** What can be done with a goal from where it is. */
export function GoalControls({ goal }: { goal: Pick<Goal, "id" | "state"> }): ReactNode {
  const may = useMay("switch");
  const client = useQueryClient();
  const { id, state } = goal;
  return (
    <div className="row">
      {moves.map(({ move, from, label, ...words }) => (
        <Ask
          key={move}
          {...words}
          label={label}
          title={label}
          isDisabled={!may}
          isOffered={from.some((each) => each === state)}
          perform={async (reason) =>
            await answerOf(
              api.POST("/api/goals/{id}/{move}", {
                params: { path: { id, move } },
                body: { reason },
              }),
            )
          }
          describe={(answer) => <p>The goal is now {answer.goal.state}.</p>}
          onDone={() => {
            void client.invalidateQueries({ queryKey: ["goals"] });
            void client.invalidateQueries({ queryKey: ["goal", id] });
          }}
        />
      ))}
    </div>
  );
}
