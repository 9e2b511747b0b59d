import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Button } from "react-aria-components/Button";
import { Disclosure, DisclosurePanel } from "react-aria-components/Disclosure";
import { Heading } from "react-aria-components/Heading";
import type { LedgerEvent } from "../api/queries.ts";
import { Text } from "./text.tsx";
import { Time } from "./time.tsx";

/** One row of the ledger; all that it holds when it is opened. */
export function EventRow({
  event,
  withRun = false,
}: {
  event: LedgerEvent;
  withRun?: boolean;
}): ReactNode {
  const actor = event.context["actor"];
  return (
    <Disclosure className="event">
      {({ isExpanded }) => (
        <>
          <Heading level={withRun ? 2 : 3}>
            <Button slot="trigger">
              <span className="number muted">{event.id}</span>
              <span className="strong">{event.type.replaceAll("_", " ")}</span>
              <span className="muted">
                <Text>{typeof actor === "string" ? actor : ""}</Text>
              </span>
              <Time at={event.createdAt} />
            </Button>
          </Heading>
          <DisclosurePanel>
            {isExpanded && <Opened event={event} withRun={withRun} />}
          </DisclosurePanel>
        </>
      )}
    </Disclosure>
  );
}

function Opened({ event, withRun }: { event: LedgerEvent; withRun: boolean }): ReactNode {
  const { context, payload } = event;
  return (
    <>
      {withRun && (
        <p>
          Run{" "}
          <Link to="/runs/$id" params={{ id: event.runId }}>
            <Text>{event.runId}</Text>
          </Link>
          , its event {event.seq}
        </p>
      )}
      <pre className="payload" tabIndex={0} aria-label={`Payload of event ${event.id}`}>
        <Text>{JSON.stringify({ context, payload }, null, 2)}</Text>
      </pre>
    </>
  );
}
