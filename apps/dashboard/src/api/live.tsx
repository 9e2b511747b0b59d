import { useQueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useState, type ReactNode } from "react";
import { addEvent, statusQuery, type LedgerEvent, type Status } from "./queries.ts";
import { listen, type Connection, type StreamEvent } from "./stream.ts";

const ConnectionContext = createContext<Connection>({ state: "connecting" });

/** Keeps what is shown in step with the kernel, and says whether it can be. */
export function Live({ children }: { children: ReactNode }): ReactNode {
  const client = useQueryClient();
  const [connection, setConnection] = useState<Connection>({ state: "connecting" });
  useEffect(() => {
    const ended = new AbortController();
    // Many events may come at once: what they touch is asked for again once.
    const stale = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | null = null;
    const refresh = (...keys: string[]): void => {
      for (const key of keys) stale.add(key);
      timer ??= setTimeout(() => {
        timer = null;
        for (const key of stale) void client.invalidateQueries({ queryKey: [key] });
        stale.clear();
      }, 250);
    };
    const onEvent = ({ name, data }: StreamEvent): void => {
      if (name === "hello") {
        // Whatever happened while nobody listened.
        void client.invalidateQueries();
      } else if (name === "ledger") {
        addEvent(client, data as LedgerEvent);
        refresh("runs", "run", "releases", "holds", "trends", "goals", "goal");
      } else if (name === "status") {
        client.setQueryData(statusQuery.queryKey, data as Status);
        refresh("runs", "ledger");
      } else if (name === "actions") {
        // Every change of a goal is an action, and so is every attempt at one.
        refresh("actions", "goals", "goal");
      }
    };
    void listen({ signal: ended.signal, onEvent, onConnection: setConnection });
    return () => {
      ended.abort();
      if (timer !== null) clearTimeout(timer);
    };
  }, [client]);
  return <ConnectionContext value={connection}>{children}</ConnectionContext>;
}

export function useConnection(): Connection {
  return useContext(ConnectionContext);
}
