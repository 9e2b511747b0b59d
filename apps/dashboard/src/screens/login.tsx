import { useNavigate } from "@tanstack/react-router";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { answerOf, api, keepKey } from "../api/client.ts";
import { Loading, Problem } from "../parts/states.tsx";

/** Where a login link leads: its code is taken out of the address before anything else. */
export function Login(): ReactNode {
  const navigate = useNavigate();
  const client = useQueryClient();
  const [error, setError] = useState<Error | null>(null);
  const isAsked = useRef(false);
  useEffect(() => {
    if (isAsked.current) return;
    isAsked.current = true;
    const code = location.hash.slice(1);
    history.replaceState(null, "", "/login");
    const enter = async (): Promise<void> => {
      try {
        const { key } = await answerOf(api.POST("/api/login", { body: { code } }));
        keepKey(key);
        client.clear();
        await navigate({ to: "/", replace: true });
      } catch (problem) {
        setError(problem instanceof Error ? problem : new Error(String(problem)));
      }
    };
    void enter();
  }, [client, navigate]);
  return (
    <main className="alone">
      <h1>Jarvis</h1>
      {error === null ? <Loading what="the link" /> : <Problem error={error} />}
    </main>
  );
}
