import type { ReactNode } from "react";

/** A browser that was not let in, or is not any more. */
export function SignedOut(): ReactNode {
  return (
    <main className="alone">
      <h1>Jarvis</h1>
      <p>This browser is not let in. In a terminal, where the repository is:</p>
      <pre>
        <code>jarvis login</code>
      </pre>
      <p className="muted">
        It prints a link for one browser, once. <code>--role read</code> lets look only,{" "}
        <code>--role approve</code> approve what was proposed.
      </p>
    </main>
  );
}
