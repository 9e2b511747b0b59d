import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { useConnection } from "../api/live.tsx";
import { eventTypes } from "../api/schema.ts";
import { eventsQuery, type LedgerFilter } from "../api/queries.ts";
import { Button } from "../parts/button.tsx";
import { Choice } from "../parts/choice.tsx";
import { EventRow } from "../parts/event-row.tsx";
import { Field } from "../parts/field.tsx";
import { More } from "../parts/more.tsx";
import { Page } from "../parts/page.tsx";
import { Empty, Loaded } from "../parts/states.tsx";
import { Export } from "./export.tsx";
import { Verify } from "./verify.tsx";

/** Every transition, newest first, as it is committed. */
export function Ledger(): ReactNode {
  const filter = useSearch({ from: "/shell/ledger" });
  const query = useInfiniteQuery(eventsQuery(filter));
  const connection = useConnection();
  return (
    <Page
      title="Ledger"
      intro={
        connection.state === "live"
          ? "Live: what is committed appears at once. No row is ever changed."
          : "Not live right now."
      }
      aside={<Export filter={filter} />}
    >
      <Verify />
      <Filter key={JSON.stringify(filter)} filter={filter} />
      <Loaded query={query} what="the ledger">
        {({ pages }) => {
          const events = pages.flat();
          return events.length === 0 ? (
            <Empty>No event fits.</Empty>
          ) : (
            <>
              <div className="card events">
                {events.map((event) => (
                  <EventRow key={event.id} event={event} withRun />
                ))}
              </div>
              <More query={query} />
            </>
          );
        }}
      </Loaded>
    </Page>
  );
}

function Filter({ filter }: { filter: LedgerFilter }): ReactNode {
  const navigate = useNavigate();
  const [run, setRun] = useState(filter.run ?? "");
  const [actor, setActor] = useState(filter.actor ?? "");
  const [from, setFrom] = useState(localOf(filter.from));
  const [to, setTo] = useState(localOf(filter.to));
  const apply = (type: string | undefined): void => {
    const next = { run, type, actor, from: instantOf(from), to: instantOf(to) };
    const search = Object.fromEntries(
      Object.entries(next).filter(([, value]) => value !== undefined && value !== ""),
    );
    void navigate({ to: "/ledger", search });
  };
  return (
    <form
      className="filter"
      aria-label="Which events"
      onSubmit={(event) => {
        event.preventDefault();
        apply(filter.type);
      }}
    >
      <Choice
        label="Type"
        all="every type"
        words={eventTypes}
        value={filter.type}
        onChange={apply}
      />
      <Field label="Run" value={run} onChange={setRun} />
      <Field label="Actor" value={actor} onChange={setActor} />
      <Field label="From" type="datetime-local" value={from} onChange={setFrom} />
      <Field label="Until" type="datetime-local" value={to} onChange={setTo} />
      <Button type="submit">Show</Button>
    </form>
  );
}

/** As the field of a browser wants it: local, without a zone. */
function localOf(instant: string | undefined): string {
  if (instant === undefined) return "";
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return "";
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function instantOf(local: string): string | undefined {
  const date = new Date(local);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
