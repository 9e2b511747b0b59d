import { useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { trendsQuery, type TrendDay } from "../api/queries.ts";
import { Plot, type Series } from "../parts/plot.tsx";
import { Choice } from "../parts/choice.tsx";
import { Card, Page } from "../parts/page.tsx";
import { Empty, Loaded } from "../parts/states.tsx";
import { duration } from "../parts/time.tsx";
import { costOfAccepted } from "./cost-text.ts";

/** What happened, day by day. Days are those of UTC, like the ledger's. */
export function Trends(): ReactNode {
  const [days, setDays] = useState(30);
  const query = useQuery(trendsQuery(days));
  return (
    <Page
      title="Trends"
      intro="Counted from the ledger, by days of UTC."
      aside={
        <Choice
          label="Days"
          all="30"
          words={["7", "90", "365"]}
          value={days === 30 ? undefined : String(days)}
          onChange={(value) => setDays(Number(value ?? "30"))}
        />
      }
    >
      <Loaded query={query} what="the trends">
        {(data) => {
          const filled = everyDay(data.days, days);
          return data.days.length === 0 ? (
            <Empty>Nothing happened in these days.</Empty>
          ) : (
            <div className="cards">
              <Card title="Cost of an accepted change">
                <p>{costOfAccepted(data.author)}</p>
              </Card>
              {plots.map(({ title, series, format }) => (
                <Card key={title} title={title}>
                  <Plot
                    title={title}
                    days={filled.map(({ day }) => day)}
                    series={series.map(({ name, tone, of }): Series => ({
                      name,
                      tone,
                      values: filled.map(of),
                    }))}
                    format={format ?? String}
                  />
                </Card>
              ))}
            </div>
          );
        }}
      </Loaded>
    </Page>
  );
}

const plots: readonly {
  readonly title: string;
  readonly series: readonly {
    readonly name: string;
    readonly tone: Series["tone"];
    readonly of: (day: TrendDay) => number | null;
  }[];
  readonly format?: (value: number) => string;
}[] = [
  {
    title: "Proposals",
    series: [
      { name: "handed in", tone: "info", of: (day) => day.proposals },
      { name: "promoted", tone: "good", of: (day) => day.promoted },
      { name: "refused", tone: "bad", of: (day) => day.blocked },
    ],
  },
  {
    title: "Pass rate",
    series: [
      {
        name: "verifications that passed",
        tone: "good",
        of: ({ passed, notPassed }) =>
          passed + notPassed === 0 ? null : (100 * passed) / (passed + notPassed),
      },
    ],
    format: (value) => `${Math.round(value)} %`,
  },
  {
    title: "Verification time",
    series: [{ name: "median", tone: "info", of: (day) => day.verificationMs }],
    format: duration,
  },
  {
    title: "Rollbacks",
    series: [
      { name: "blessed", tone: "good", of: (day) => day.blessed },
      { name: "rolled back", tone: "bad", of: (day) => day.rolledBack },
    ],
  },
];

/** Days without an event are days on which nothing happened. */
function everyDay(known: readonly TrendDay[], days: number): TrendDay[] {
  const byDay = new Map(known.map((day) => [day.day, day]));
  return Array.from({ length: days }, (_, index) => {
    const day = new Date(Date.now() - (days - 1 - index) * 86_400_000).toISOString().slice(0, 10);
    return (
      byDay.get(day) ?? {
        day,
        proposals: 0,
        passed: 0,
        notPassed: 0,
        promoted: 0,
        blocked: 0,
        rolledBack: 0,
        blessed: 0,
        verificationMs: null,
      }
    );
  });
}
