import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { answerOf, api } from "../api/client.ts";
import { ledgerQuery, type LedgerReport, type LedgerVerification } from "../api/queries.ts";
import { useMay } from "../controls/controls.tsx";
import { Badge } from "../parts/badge.tsx";
import { Button } from "../parts/button.tsx";
import { Card, Facts } from "../parts/page.tsx";
import { Loaded, Problem } from "../parts/states.tsx";
import { Sha, Text } from "../parts/text.tsx";
import { Ago, Time, duration } from "../parts/time.tsx";

/** Whether the ledger is what was sealed: what the kernel last found, and a button to look now. */
export function Verify(): ReactNode {
  const query = useQuery(ledgerQuery);
  const client = useQueryClient();
  const may = useMay("switch");
  const [isAsked, setAsked] = useState(false);
  const [problem, setProblem] = useState<Error | null>(null);
  const ask = async (): Promise<void> => {
    setAsked(true);
    setProblem(null);
    try {
      // One that takes longer goes on: the kernel says so, and when it has ended.
      await answerOf(api.POST("/api/ledger/verify", { body: { waitMs: 20_000 } }));
    } catch (error) {
      setProblem(error instanceof Error ? error : new Error(String(error)));
    }
    await client.invalidateQueries({ queryKey: ledgerQuery.queryKey });
    setAsked(false);
  };
  return (
    <Card title="Verification">
      <Loaded query={query} what="what was verified">
        {({ newest, scheduled, verifyingSince, problem: held }) => {
          const isRunning = isAsked || verifyingSince !== null;
          return (
            <>
              <div className="row between">
                <p role="status">
                  {isRunning ? (
                    "Every event is computed again."
                  ) : newest === null ? (
                    "Not verified since this kernel started."
                  ) : (
                    <Result report={newest.report} />
                  )}
                </p>
                <Button isPending={isRunning} isDisabled={!may} onPress={() => void ask()}>
                  {isRunning ? "Verifying" : "Verify now"}
                </Button>
              </div>
              {problem !== null && <Problem error={problem} />}
              {!isRunning && newest !== null && <Found report={newest.report} />}
              {held !== null && (
                <p className="problem">
                  <Text>{held.detail}</Text> <code className="muted">{held.reason}</code>
                </p>
              )}
              <Facts
                of={[
                  ["Newest", <Told key="n" of={newest} />],
                  ["On the schedule", <Told key="s" of={scheduled} />],
                ]}
              />
            </>
          );
        }}
      </Loaded>
    </Card>
  );
}

function Result({ report }: { report: LedgerReport }): ReactNode {
  const { ok, size, checkpoints, anchors, divergences } = report;
  return (
    <>
      <Badge tone={ok ? "good" : "bad"}>{ok ? "what was sealed" : "not what was sealed"}</Badge>{" "}
      {ok
        ? `${size} events, ${checkpoints} checkpoints, ${anchors} anchors outside of the database.`
        : `${divergences.length} divergences among ${size} events.`}
    </>
  );
}

/** The first divergent event, and what is for a person to read besides. */
function Found({ report }: { report: LedgerReport }): ReactNode {
  const [first] = report.divergences;
  return (
    <>
      {first !== undefined && (
        <div className="problem" role="alert">
          <p>
            <strong>First divergent event:</strong>{" "}
            {first.eventId === null ? "no single one" : `${first.ledger ?? ""} ${first.eventId}`}
            {first.leafIndex === null ? "" : `, leaf ${first.leafIndex}`}.{" "}
            <Text>{first.detail}</Text> <code className="muted">{first.attack}</code>
          </p>
          <p>{first.meaning}</p>
        </div>
      )}
      {report.remarks.map(({ code, detail }) => (
        <p key={`${code} ${detail}`} className="muted">
          <Text>{detail}</Text> <code>{code}</code>
        </p>
      ))}
    </>
  );
}

/** When it was, over how many events, and up to which signed checkpoint. */
function Told({ of }: { of: LedgerVerification | null }): ReactNode {
  if (of === null) return <span className="muted">none yet</span>;
  const { size, checkpoint, durationMs, ok } = of.report;
  return (
    <>
      <Time at={of.endedAt} /> (<Ago at={of.endedAt} />
      ): {size} events in {duration(durationMs)}, {ok ? "all as sealed" : "not as sealed"}
      {checkpoint === null ? (
        ", no checkpoint"
      ) : (
        <>
          , checkpoint {checkpoint.size} <Sha>{checkpoint.root}</Sha>
        </>
      )}
    </>
  );
}
