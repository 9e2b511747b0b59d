import type { ReactNode } from "react";
import { reveal } from "./reveal.ts";

/** Text of anybody else: never markup, and what would be invisible in it is named. */
export function Text({ children }: { children: string | null | undefined }): ReactNode {
  if (children === null || children === undefined || children === "") return null;
  return (
    <bdi>
      {reveal(children).map(({ text, isHidden }, index) =>
        isHidden ? (
          <span className="hidden-character" key={index}>
            {text}
          </span>
        ) : (
          text
        ),
      )}
    </bdi>
  );
}

/** The first characters of a hash; the whole of it on hover and for whoever copies. */
export function Sha({ children, of = 8 }: { children: string | null; of?: number }): ReactNode {
  if (children === null) return <span className="muted">none</span>;
  const shown = children.replace(/^sha256:/, "");
  return (
    <code className="sha" title={children}>
      {shown.slice(0, of)}
    </code>
  );
}
