import { useState, type ReactNode } from "react";
import { answerOf, api } from "../api/client.ts";
import { given, type LedgerFilter } from "../api/queries.ts";
import { Button } from "../parts/button.tsx";
import { Problem } from "../parts/states.tsx";

const PAGE = 500;
/** What a page of a browser holds in memory; more is for `jarvis events --json`. */
const LIMIT = 50_000;

/** The events that fit a filter as a file, one JSON document a line, oldest first. */
export function Export({ filter }: { filter: LedgerFilter }): ReactNode {
  const [count, setCount] = useState<number | null>(null);
  const [problem, setProblem] = useState<Error | null>(null);
  const [said, setSaid] = useState("");
  const save = async (): Promise<void> => {
    setProblem(null);
    setSaid("");
    const lines: string[] = [];
    try {
      let after = "0";
      for (;;) {
        setCount(lines.length);
        const query = { ...given(filter), limit: PAGE, after };
        const { events } = await answerOf(api.GET("/api/events", { params: { query } }));
        for (const event of events) lines.push(`${JSON.stringify(event)}\n`);
        after = events.at(-1)?.id ?? after;
        if (events.length < PAGE || lines.length >= LIMIT) break;
      }
      offer(lines);
      const isCut = lines.length >= LIMIT;
      setSaid(
        isCut ? `The first ${LIMIT} events were saved.` : `${lines.length} events were saved.`,
      );
    } catch (error) {
      setProblem(error instanceof Error ? error : new Error(String(error)));
    } finally {
      setCount(null);
    }
  };
  return (
    <div>
      <Button isPending={count !== null} onPress={() => void save()}>
        {count === null ? "Save as NDJSON" : `Reading, ${count} so far`}
      </Button>
      <span role="status" className="muted">
        {" "}
        {said}
      </span>
      {problem !== null && <Problem error={problem} />}
    </div>
  );
}

function offer(lines: readonly string[]): void {
  const url = URL.createObjectURL(new Blob([...lines], { type: "application/x-ndjson" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = "jarvis-ledger.ndjson";
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
