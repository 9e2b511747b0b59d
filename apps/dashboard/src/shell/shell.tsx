import { useQuery } from "@tanstack/react-query";
import { Link, Outlet } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { ApiError, answerOf, api, keepKey } from "../api/client.ts";
import { Live, useConnection } from "../api/live.tsx";
import { statusQuery, whoQuery } from "../api/queries.ts";
import { KillControl, PauseControl } from "../controls/controls.tsx";
import { Badge } from "../parts/badge.tsx";
import { Button } from "../parts/button.tsx";
import { Loading, Problem } from "../parts/states.tsx";
import { Time } from "../parts/time.tsx";
import { SignedOut } from "./signed-out.tsx";

const places = [
  { to: "/", label: "Now" },
  { to: "/goals", label: "Goals" },
  { to: "/runs", label: "Runs" },
  { to: "/ledger", label: "Ledger" },
  { to: "/lineage", label: "Lineage" },
  { to: "/trends", label: "Trends" },
  { to: "/actions", label: "Actions" },
] as const;

/** What is around every screen; without a session, how to get one. */
export function Shell(): ReactNode {
  const who = useQuery(whoQuery);
  if (who.data !== undefined) {
    return (
      <Live>
        <Room />
      </Live>
    );
  }
  if (who.error === null) return <Loading what="who you are" />;
  const isOut = who.error instanceof ApiError && who.error.status === 401;
  return isOut ? (
    <SignedOut />
  ) : (
    <main className="alone">
      <h1>Jarvis</h1>
      <Problem error={who.error} again={() => void who.refetch()} />
    </main>
  );
}

function Room(): ReactNode {
  const connection = useConnection();
  if (connection.state === "signed-out") return <SignedOut />;
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <header className="top">
        <span className="brand">
          <img src="/icon.svg" alt="" width="22" height="22" /> Jarvis
        </span>
        <Switches />
        <Who />
      </header>
      <nav className="places" aria-label="Screens">
        {places.map(({ to, label }) => (
          <Link key={to} to={to} activeOptions={{ exact: to === "/" }}>
            {label}
          </Link>
        ))}
      </nav>
      <ConnectionNote />
      <main id="main" tabIndex={-1}>
        <Outlet />
      </main>
    </div>
  );
}

/** The two switches, as the kernel last told them, and what stops it, which waits for nothing. */
function Switches(): ReactNode {
  const { data: status } = useQuery(statusQuery);
  const isExecuting = status?.safety.mode === "execute";
  return (
    <div className="switches">
      {status !== undefined && (
        <>
          <Badge tone={isExecuting ? "good" : "warn"}>
            {isExecuting ? "executing" : "observing"}
          </Badge>
          {status.promotion.paused && <Badge tone="warn">promotion paused</Badge>}
          <PauseControl status={status} />
        </>
      )}
      <KillControl />
    </div>
  );
}

function Who(): ReactNode {
  const { data } = useQuery(whoQuery);
  const leave = async (): Promise<void> => {
    await answerOf(api.POST("/api/logout")).catch(() => undefined);
    keepKey(null);
    location.assign("/");
  };
  return (
    <div className="who">
      <span className="muted">
        {data?.name} · may {data?.role}
      </span>
      <Button onPress={() => void leave()}>Sign out</Button>
    </div>
  );
}

/** Says at once when what is shown is no longer how it is. */
function ConnectionNote(): ReactNode {
  const connection = useConnection();
  return (
    <div className="connection" role="alert">
      {connection.state === "lost" && (
        <p className="lost">
          <strong>The kernel does not answer.</strong> What you see is how it was
          {connection.lastWord !== null && (
            <>
              {" "}
              at <Time at={connection.lastWord.toISOString()} />
            </>
          )}
          ; trying again. In a terminal: <code>jarvis status</code>
        </p>
      )}
      {connection.state === "connecting" && <p className="muted">Connecting…</p>}
    </div>
  );
}
