import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { ApiError, answerOf, api } from "../api/client.ts";
import type { Goal } from "../api/queries.ts";
import { useMay } from "../controls/controls.tsx";
import { Button } from "../parts/button.tsx";
import { Field } from "../parts/field.tsx";
import { Card } from "../parts/page.tsx";
import { Problem } from "../parts/states.tsx";
import { goalRequest, noFields, type GoalFields, type GoalProblems } from "./goal-request.ts";

type Stage =
  | { readonly at: "typing" }
  | { readonly at: "waiting" }
  | { readonly at: "refused"; readonly error: Error }
  | { readonly at: "added"; readonly goal: Goal };

/** A form for one goal. It is emptied when the kernel has taken the goal, and not before. */
export function AddGoal(): ReactNode {
  const may = useMay("switch");
  const client = useQueryClient();
  const [fields, setFields] = useState(noFields);
  const [problems, setProblems] = useState<GoalProblems>({});
  const [stage, setStage] = useState<Stage>({ at: "typing" });
  const isWaiting = stage.at === "waiting";

  const add = async (): Promise<void> => {
    if (isWaiting) return;
    const request = goalRequest(fields);
    setProblems("problems" in request ? request.problems : {});
    if ("problems" in request) return;
    setStage({ at: "waiting" });
    try {
      const { goal } = await answerOf(api.POST("/api/goals", { body: request.body }));
      setStage({ at: "added", goal });
      setFields(noFields);
      void client.invalidateQueries({ queryKey: ["goals"] });
    } catch (error) {
      const shown = error instanceof Error ? error : new ApiError(0, "unknown", String(error));
      setStage({ at: "refused", error: shown });
    }
  };
  const field = (name: keyof GoalFields) => {
    const problem = problems[name];
    return {
      value: fields[name],
      onChange: (value: string) => setFields((all) => ({ ...all, [name]: value })),
      isDisabled: isWaiting || !may,
      ...(problem === undefined ? {} : { problem }),
    };
  };
  return (
    <Card title="A new goal">
      <form
        className="add-goal"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void add();
        }}
      >
        <Field label="What is to be done" lines={3} maxLength={8000} {...field("text")} />
        <div className="numbers">
          <Field
            label="Priority"
            hint="The higher goes first; 0 where empty."
            inputMode="numeric"
            {...field("priority")}
          />
          <Field
            label="Attempts"
            hint="At most; as configured where empty."
            inputMode="numeric"
            {...field("attempts")}
          />
          <Field
            label="Dollars"
            hint="At most; as configured where empty."
            inputMode="decimal"
            {...field("dollars")}
          />
        </div>
        {stage.at === "refused" && <Problem error={stage.error} />}
        <div className="row">
          <Button kind="primary" type="submit" isPending={isWaiting} isDisabled={!may}>
            {isWaiting ? "Adding" : "Add the goal"}
          </Button>
          <span role="status">
            {stage.at === "added" && (
              <>
                Added:{" "}
                <Link to="/goals/$id" params={{ id: stage.goal.id }}>
                  the new goal
                </Link>
              </>
            )}
          </span>
        </div>
      </form>
    </Card>
  );
}
