import { useEffect, useState, type ReactNode } from "react";

const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const short = new Intl.DateTimeFormat(undefined, {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/** An instant in the zone of whoever looks; UTC on hover. */
export function Time({ at }: { at: string | null | undefined }): ReactNode {
  if (at === null || at === undefined || at === "") return <span className="muted">–</span>;
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return <span>{at}</span>;
  return (
    <time dateTime={at} title={`${date.toISOString()} (UTC)`}>
      {short.format(date)}
    </time>
  );
}

/** How long ago, kept up to date; the instant on hover. */
export function Ago({ at }: { at: string | null | undefined }): ReactNode {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  if (at === null || at === undefined || at === "") return <span className="muted">–</span>;
  const date = new Date(at);
  return (
    <time dateTime={at} title={`${full.format(date)} · ${date.toISOString()} (UTC)`}>
      {duration(Math.max(0, now - date.getTime()))} ago
    </time>
  );
}

/** Milliseconds as a person says them. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}
