import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { answerOf, api, type Schemas } from "../api/client.ts";
import { statusQuery, whoQuery, type Status } from "../api/queries.ts";
import { Ask } from "../parts/ask.tsx";
import { Sha, Text } from "../parts/text.tsx";

/** Whether the session's role may do something; the kernel asks again. */
export function useMay(operation: "switch" | "approve" | "reject"): boolean {
  const { data } = useQuery(whoQuery);
  return data?.operations.includes(operation) === true;
}

function useRefresh(): () => void {
  const client = useQueryClient();
  return () => void client.invalidateQueries({ queryKey: statusQuery.queryKey });
}

export function PauseControl({ status }: { status: Status }): ReactNode {
  const may = useMay("switch");
  const onDone = useRefresh();
  const { paused } = status.promotion;
  const post = async (next: boolean, reason: string) =>
    await answerOf(api.POST("/api/self-extension/promotion", { body: { paused: next, reason } }));
  return (
    <>
      <Ask
        label="Resume promotion"
        title="Resume promotion"
        explain="Runs that wait for this go on at once, and what is verified may land."
        confirm="Resume"
        waiting="Resuming"
        kind="primary"
        isDisabled={!may}
        isOffered={paused}
        perform={async (reason) => await post(false, reason)}
        describe={() => <p>Promotion goes on.</p>}
        onDone={onDone}
      />
      <Ask
        label="Pause promotion"
        title="Pause promotion"
        explain="Nothing lands any more until somebody resumes. Jarvis goes on proposing and testing; going back is never held up."
        confirm="Pause"
        waiting="Draining: waiting until nothing can land"
        isDisabled={!may}
        isOffered={!paused}
        perform={async (reason) => await post(true, reason)}
        describe={(answer) => <PauseAnswer answer={answer} />}
        onDone={onDone}
      />
    </>
  );
}

/** What the kernel says about a pause: only `acknowledged` means that nothing lands any more. */
function PauseAnswer({ answer }: { answer: Schemas["PauseAnswer"] }): ReactNode {
  const { drained, unresolved, reverts } = answer;
  return (
    <>
      <p>
        <strong>
          {answer.acknowledged
            ? "Acknowledged: nothing can land any more."
            : answer.paused
              ? "Paused, but not acknowledged: what is named here may still land. Pause again to wait for it."
              : "Somebody resumed meanwhile."}
        </strong>
      </p>
      <Listed
        title="Was on its way"
        rows={drained.map(({ runId, outcome, knownBy }) => ({
          runId,
          what: `${outcome === "landed" ? "landed" : "did not happen"}, known by ${knownBy}`,
        }))}
      />
      <Listed
        title="Nobody can say yet"
        rows={unresolved.map(({ runId, why }) => ({ runId, what: why }))}
      />
      <Listed
        title="Taken back on the base meanwhile, which a pause does not hold up"
        rows={reverts.map(({ runId }) => ({ runId, what: "" }))}
      />
      <p className="muted">Fence on the host: {answer.fence}.</p>
    </>
  );
}

function Listed(props: {
  title: string;
  rows: readonly { readonly runId: string; readonly what: string }[];
}): ReactNode {
  if (props.rows.length === 0) return null;
  return (
    <>
      <h3>{props.title}</h3>
      <ul>
        {props.rows.map(({ runId, what }) => (
          <li key={runId}>
            <Link to="/runs/$id" params={{ id: runId }}>
              <Text>{runId}</Text>
            </Link>{" "}
            <Text>{what}</Text>
          </li>
        ))}
      </ul>
    </>
  );
}

const modes = {
  execute: {
    label: "Let it execute",
    title: "Let Jarvis execute",
    explain: "What is verified is promoted, and actions are carried out.",
    confirm: "Execute",
  },
  observe: {
    label: "Observe only",
    title: "Observe only",
    explain: "Changes are proposed and tested; nothing is promoted or carried out.",
    confirm: "Observe",
  },
} as const;

export function ModeControl({ status }: { status: Status }): ReactNode {
  const may = useMay("switch");
  const onDone = useRefresh();
  return (["execute", "observe"] as const).map((mode) => (
    <Ask
      key={mode}
      {...modes[mode]}
      waiting="Waiting for the kernel"
      isDisabled={!may}
      isOffered={status.safety.mode !== mode || status.safety.killSwitch}
      perform={async (reason) => await answerOf(api.POST("/api/mode", { body: { mode, reason } }))}
      describe={(answer) => <p>The mode is now {answer.mode}.</p>}
      onDone={onDone}
    />
  ));
}

export function KillControl(): ReactNode {
  const may = useMay("switch");
  const onDone = useRefresh();
  return (
    <Ask
      label="Kill"
      title="Kill everything that runs"
      kind="danger"
      explain="Ends every sandbox and the body, cancels every waiting action and sets observe. What was being verified ends as killed and is not tried again by itself."
      confirm="Kill"
      waiting="Killing"
      isDisabled={!may}
      perform={async (reason) => await answerOf(api.POST("/api/kill-switch", { body: { reason } }))}
      describe={(answer) => <KillAnswer answer={answer} />}
      onDone={onDone}
    />
  );
}

/** What was ended, by name: whoever killed wants to know whether it was what they meant. */
function KillAnswer({ answer }: { answer: Schemas["KillAnswer"] }): ReactNode {
  const { cancelledCount, stopped } = answer;
  const more = cancelledCount - stopped.length;
  return (
    <>
      <p>
        <strong>
          Stopped: {cancelledCount} {cancelledCount === 1 ? "thing" : "things"}.
        </strong>{" "}
        Jarvis only observes until somebody lets it execute.
      </p>
      <ul aria-label="What was stopped">
        {stopped.map(({ kind, name, id, runId, was }, index) => (
          <li key={index}>
            {kind}
            {id === null ? "" : ` ${id}`}: <Text>{name}</Text>
            {runId !== null && (
              <>
                {" "}
                of run{" "}
                <Link to="/runs/$id" params={{ id: runId }}>
                  <Text>{runId}</Text>
                </Link>
              </>
            )}
            {was === "pending" && " (it had not begun)"}
          </li>
        ))}
      </ul>
      {more > 0 && <p className="muted">And {more} more.</p>}
    </>
  );
}

export function RollbackControl({ to, label }: { to?: string; label?: string }): ReactNode {
  const may = useMay("switch");
  const onDone = useRefresh();
  return (
    <Ask
      label={label ?? "Go back"}
      title="Go back to a blessed release"
      kind="danger"
      explain={
        to === undefined
          ? "The release blessed before serves again, and what came after is taken back on the base by runs of their own."
          : `The release of ${to.slice(0, 8)} serves again, and what came after is taken back on the base by runs of their own.`
      }
      confirm="Go back"
      waiting="Going back"
      isDisabled={!may}
      perform={async (reason) =>
        await answerOf(
          api.POST("/api/rollback", {
            body: { reason, ...(to === undefined ? {} : { to }) },
          }),
        )
      }
      describe={({ fromSha, toSha }) => (
        <p>
          Serving went back from <Sha>{fromSha}</Sha> to <Sha>{toSha}</Sha>.
        </p>
      )}
      onDone={onDone}
    />
  );
}

export function LiftControl(props: {
  runId: string;
  title: string;
  isOffered: boolean;
}): ReactNode {
  const { runId, title } = props;
  const may = useMay("switch");
  const client = useQueryClient();
  return (
    <Ask
      label="Lift the hold"
      title="Lift the hold"
      explain={
        <p>
          “<Text>{title}</Text>” was rolled back. Once lifted, the same change may be proposed
          again.
        </p>
      }
      confirm="Lift"
      waiting="Lifting"
      isOffered={props.isOffered}
      isDisabled={!may}
      perform={async (reason) =>
        await answerOf(
          api.POST("/api/holds/{id}/lift", { params: { path: { id: runId } }, body: { reason } }),
        )
      }
      describe={() => <p>The same may be proposed again.</p>}
      onDone={() => {
        void client.invalidateQueries({ queryKey: ["holds"] });
        void client.invalidateQueries({ queryKey: ["releases"] });
      }}
    />
  );
}
