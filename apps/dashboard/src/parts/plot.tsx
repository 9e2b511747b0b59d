import type { ReactNode } from "react";

export interface Series {
  readonly name: string;
  readonly tone: "good" | "info" | "bad";
  readonly values: readonly (number | null)[];
}

const WIDTH = 480;
const HEIGHT = 150;
const BOTTOM = 18;
const LEFT = 44;

/** Lines over days, and the same numbers as a table for whoever does not see them. */
export function Plot(props: {
  title: string;
  days: readonly string[];
  series: readonly Series[];
  format: (value: number) => string;
}): ReactNode {
  const { title, days, series, format } = props;
  const top = niceTop(Math.max(1, ...series.flatMap(({ values }) => values.map((v) => v ?? 0))));
  const x = (index: number): number =>
    LEFT + (index / Math.max(days.length - 1, 1)) * (WIDTH - LEFT - 8);
  const y = (value: number): number => HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - 10);
  return (
    <figure className="plot">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={summary(props)}>
        {[0, top / 2, top].map((value) => (
          <g key={value}>
            <line className="grid" x1={LEFT} x2={WIDTH - 8} y1={y(value)} y2={y(value)} />
            <text x={LEFT - 6} y={y(value) + 4} textAnchor="end">
              {format(value)}
            </text>
          </g>
        ))}
        <text x={LEFT} y={HEIGHT - 3}>
          {days[0]}
        </text>
        <text x={WIDTH - 8} y={HEIGHT - 3} textAnchor="end">
          {days.at(-1)}
        </text>
        {series.map(({ name, tone, values }) => (
          <g key={name} className={`series ${tone}`}>
            <path d={lineOf(values, x, y)} />
            {values.map((value, index) =>
              value === null || (value === 0 && days.length > 14) ? null : (
                <circle key={days[index]} cx={x(index)} cy={y(value)} r="2.5">
                  <title>{`${days[index] ?? ""} · ${name}: ${format(value)}`}</title>
                </circle>
              ),
            )}
          </g>
        ))}
      </svg>
      <figcaption>
        {series.map(({ name, tone }) => (
          <span key={name} className={`legend ${tone}`}>
            {name}
          </span>
        ))}
      </figcaption>
      <details>
        <summary>As a table</summary>
        <div className="scroll short" tabIndex={0} role="region" aria-label={`${title} as a table`}>
          <table>
            <thead>
              <tr>
                <th scope="col">Day</th>
                {series.map(({ name }) => (
                  <th scope="col" key={name}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {days.map((day, index) => (
                <tr key={day}>
                  <th scope="row">{day}</th>
                  {series.map(({ name, values }) => {
                    const value = values[index] ?? null;
                    return (
                      <td key={name} className="number">
                        {value === null ? "–" : format(value)}
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

/** Lines break where there is no value. */
function lineOf(
  values: readonly (number | null)[],
  x: (index: number) => number,
  y: (value: number) => number,
): string {
  let isDown = false;
  return values
    .map((value, index) => {
      if (value === null) {
        isDown = false;
        return "";
      }
      const command = isDown ? "L" : "M";
      isDown = true;
      return `${command}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    })
    .join("");
}

/** The next of 1, 2, 5, 10, 20 … */
function niceTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= value) ?? 10;
  return step * power;
}

function summary({
  title,
  days,
  series,
  format,
}: {
  title: string;
  days: readonly string[];
  series: readonly Series[];
  format: (value: number) => string;
}): string {
  const parts = series.map(({ name, values }) => {
    const known = values.filter((value) => value !== null);
    const last = known.at(-1);
    return last === undefined ? `${name}: no value` : `${name}: last ${format(last)}`;
  });
  return `${title} from ${days[0] ?? ""} to ${days.at(-1) ?? ""}. ${parts.join("; ")}.`;
}
