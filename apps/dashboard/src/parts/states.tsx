import type { ReactNode } from "react";
import { ApiError } from "../api/client.ts";
import { Button } from "./button.tsx";
import { Text } from "./text.tsx";

/** What is shown where something is still on its way. */
export function Loading({ what }: { what: string }): ReactNode {
  return (
    <div className="state" role="status">
      <span className="spinner" aria-hidden="true" />
      Reading {what}
    </div>
  );
}

export function Empty({ children }: { children: ReactNode }): ReactNode {
  return <div className="state">{children}</div>;
}

/** What did not work, where it did not, and what can be done about it. */
export function Problem({ error, again }: { error: Error; again?: () => void }): ReactNode {
  const code = error instanceof ApiError ? error.code : null;
  return (
    <div className="problem" role="alert">
      <p>
        <Text>{error.message}</Text>
        {code !== null && <code className="muted"> {code}</code>}
      </p>
      {again !== undefined && <Button onPress={again}>Try again</Button>}
    </div>
  );
}

/** One of the three, or what was read. */
export function Loaded<T>(props: {
  query: { data: T | undefined; error: Error | null; refetch: () => unknown };
  what: string;
  children: (data: T) => ReactNode;
}): ReactNode {
  const { data, error, refetch } = props.query;
  if (data !== undefined) return props.children(data);
  if (error !== null) return <Problem error={error} again={() => void refetch()} />;
  return <Loading what={props.what} />;
}
