import type { ReactNode } from "react";
import type { Run } from "../api/queries.ts";
import { Text } from "./text.tsx";
import { Ago } from "./time.tsx";

const steps = ["propose", "stage", "verify", "promote", "watch", "bless"] as const;
type Step = (typeof steps)[number];

const reached: Readonly<Record<string, Step>> = {
  new: "propose",
  proposed: "stage",
  tested: "promote",
  promoted: "watch",
  watched: "watch",
  "window-passed": "bless",
  blessed: "bless",
};

/** Where a run is on its way; what it does right now is told by the kernel. */
export function Pipeline({ run }: { run: Run }): ReactNode {
  const at = stepOf(run);
  const isOver = run.endedAt !== null;
  return (
    <>
      <ol className="pipeline" aria-label="Where the change is">
        {steps.map((step, index) => {
          const here = steps.indexOf(at);
          const state =
            index < here || (isOver && run.status === "blessed")
              ? "past"
              : index === here
                ? "here"
                : "ahead";
          return (
            <li key={step} className={state} aria-current={state === "here" ? "step" : undefined}>
              {step}
            </li>
          );
        })}
      </ol>
      {run.progress !== null && (
        <p className="muted progress">
          <span className="spinner" aria-hidden="true" />
          <Text>{run.progress.what}</Text>, since <Ago at={run.progress.since} />
        </p>
      )}
      {run.blockReasons.length > 0 && <p className="muted">waits: {run.blockReasons.join(", ")}</p>}
    </>
  );
}

function stepOf(run: Run): Step {
  const doing = run.progress?.what ?? "";
  if (doing.startsWith("promote")) return "promote";
  if (doing.startsWith("verify")) return "verify";
  if (doing.startsWith("stage")) return "stage";
  // What has landed was watched, however that ended.
  return reached[run.status] ?? (run.mergeSha === null ? "verify" : "watch");
}
