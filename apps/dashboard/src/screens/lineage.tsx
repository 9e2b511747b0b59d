import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { releasesQuery, type Release } from "../api/queries.ts";
import { RollbackControl } from "../controls/controls.tsx";
import { Badge } from "../parts/badge.tsx";
import { More } from "../parts/more.tsx";
import { Page } from "../parts/page.tsx";
import { Empty, Loaded } from "../parts/states.tsx";
import { Sha, Text } from "../parts/text.tsx";
import { Time } from "../parts/time.tsx";
import { layout, ROW, type Graph } from "./lineage-layout.ts";

/** What was built upon what, and what became of it: newest on top. */
export function Lineage(): ReactNode {
  const query = useInfiniteQuery(releasesQuery);
  return (
    <Page
      title="Lineage"
      intro="Each commit that was promoted or vouched for, what it was built upon, and where serving went back."
    >
      <Loaded query={query} what="the releases">
        {({ pages }) => {
          const releases = pages.flatMap((page) => page.releases);
          const { serving = null, baseline = null } = pages[0] ?? {};
          return releases.length === 0 ? (
            <Empty>Nothing was promoted yet.</Empty>
          ) : (
            <>
              <div className="lineage card">
                <Picture graph={layout(releases)} serving={serving} />
                <ol>
                  {releases.map((release) => (
                    <Row
                      key={release.runId}
                      release={release}
                      isServing={release.sha === serving}
                      isBaseline={release.sha === baseline}
                    />
                  ))}
                </ol>
              </div>
              <More query={query} />
            </>
          );
        }}
      </Loaded>
    </Page>
  );
}

function Row(props: { release: Release; isServing: boolean; isBaseline: boolean }): ReactNode {
  const { release, isServing, isBaseline } = props;
  const isEarlierBlessed = release.status === "blessed" && !isServing;
  return (
    <li>
      <div className="row">
        <Sha>{release.sha}</Sha>
        <Link to="/runs/$id" params={{ id: release.runId }} className="strong">
          <Text>{release.title ?? "A base that was vouched for"}</Text>
        </Link>
        <Badge>{release.status}</Badge>
        {isServing && <Badge tone="good">serving</Badge>}
        {isBaseline && <Badge tone="info">baseline</Badge>}
        {release.isHeld && <Badge tone="warn">held</Badge>}
        {isEarlierBlessed && <RollbackControl to={release.sha} label="Go back to this" />}
      </div>
      <div className="muted small">
        <Time at={release.at} />
        {release.parentSha !== null && (
          <>
            {" "}
            · upon <Sha>{release.parentSha}</Sha>
          </>
        )}
        {release.rollback?.toSha != null && (
          <>
            {" "}
            · went back to <Sha>{release.rollback.toSha}</Sha>
          </>
        )}
      </div>
    </li>
  );
}

function Picture({ graph, serving }: { graph: Graph; serving: string | null }): ReactNode {
  const { nodes, edges, width } = graph;
  return (
    <svg
      className="graph"
      width={width}
      height={nodes.length * ROW}
      viewBox={`0 0 ${width} ${nodes.length * ROW}`}
      aria-hidden="true"
    >
      <defs>
        <marker
          id="arrow"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          orient="auto"
        >
          <path d="M0 0 8 4 0 8z" className="arrow" />
        </marker>
      </defs>
      {edges.map(({ path, kind }) => (
        <path
          key={path}
          d={path}
          className={`edge ${kind}`}
          {...(kind === "back" ? { markerEnd: "url(#arrow)" } : {})}
        />
      ))}
      {nodes.map(({ x, y, release }) => (
        <circle
          key={release.runId}
          cx={x}
          cy={y}
          r={release.sha === serving ? 9 : 6}
          className={`node ${release.status} ${release.sha === serving ? "serving" : ""}`}
        />
      ))}
    </svg>
  );
}
