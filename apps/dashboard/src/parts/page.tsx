import { useEffect, type ReactNode } from "react";

/** A screen: its name in the window's title and as its first heading. */
export function Page(props: {
  title: string;
  intro?: ReactNode;
  aside?: ReactNode;
  children: ReactNode;
}): ReactNode {
  const { title } = props;
  useEffect(() => {
    document.title = `${title} · Jarvis`;
  }, [title]);
  return (
    <>
      <div className="page-head">
        <div>
          <h1>{title}</h1>
          {props.intro !== undefined && <p className="muted">{props.intro}</p>}
        </div>
        {props.aside !== undefined && <div className="row">{props.aside}</div>}
      </div>
      {props.children}
    </>
  );
}

export function Card(props: { title: string; children: ReactNode; wide?: boolean }): ReactNode {
  return (
    <section className={props.wide === true ? "card wide" : "card"} aria-label={props.title}>
      <h2>{props.title}</h2>
      {props.children}
    </section>
  );
}

/** Names and what stands behind them. */
export function Facts({ of }: { of: readonly (readonly [string, ReactNode])[] }): ReactNode {
  return (
    <dl className="facts">
      {of.map(([name, value], index) => (
        <div key={index}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
