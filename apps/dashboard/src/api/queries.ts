import {
  infiniteQueryOptions,
  queryOptions,
  type InfiniteData,
  type QueryClient,
} from "@tanstack/react-query";
import { answerOf, api, type Schemas } from "./client.ts";

export type Status = Schemas["Status"];
export type Run = Schemas["Run"];
export type RunDetail = Schemas["RunDetail"];
export type LedgerEvent = Schemas["Event"];
export type Action = Schemas["Action"];
export type Hold = Schemas["Hold"];
export type Release = Schemas["Release"];
export type LedgerReport = Schemas["LedgerReport"];
export type LedgerVerification = Schemas["LedgerVerification"];
export type TrendDay = Schemas["TrendDay"];
export type Goal = Schemas["Goal"];
export type ListedGoal = Schemas["ListedGoal"];
export type GoalAttempt = Schemas["GoalAttempt"];

const PAGE = 50;

export const whoQuery = queryOptions({
  queryKey: ["who"],
  queryFn: async () => await answerOf(api.GET("/api/whoami")),
});

export const statusQuery = queryOptions({
  queryKey: ["status"],
  queryFn: async () => await answerOf(api.GET("/api/status")),
});

export const runsQuery = (status: string | undefined) =>
  infiniteQueryOptions({
    queryKey: ["runs", status ?? null],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam }) => {
      const query = {
        limit: PAGE,
        // The page's address may say anything; the kernel refuses what is no status.
        ...(status === undefined ? {} : { status: status as Run["status"] }),
        ...(pageParam === undefined ? {} : { before: pageParam }),
      };
      return (await answerOf(api.GET("/api/runs", { params: { query } }))).runs;
    },
    getNextPageParam: (page) => (page.length < PAGE ? undefined : page.at(-1)?.runId),
  });

export const runQuery = (id: string) =>
  queryOptions({
    queryKey: ["run", id],
    queryFn: async () => await answerOf(api.GET("/api/runs/{id}", { params: { path: { id } } })),
  });

export const reasonsQuery = (id: string) =>
  queryOptions({
    queryKey: ["run", id, "reasons"],
    queryFn: async () =>
      await answerOf(api.GET("/api/runs/{id}/reasons", { params: { path: { id } } })),
  });

export const patchQuery = (id: string) =>
  queryOptions({
    queryKey: ["patch", id],
    staleTime: Infinity,
    queryFn: async () =>
      await answerOf(api.GET("/api/runs/{id}/patch", { params: { path: { id } } })),
  });

export interface LedgerFilter {
  readonly run?: string | undefined;
  readonly type?: string | undefined;
  readonly actor?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** The parts of a filter that are set. */
export function given(filter: LedgerFilter): Record<string, string> {
  return Object.fromEntries(
    Object.entries(filter).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== "",
    ),
  );
}

export const eventsQuery = (filter: LedgerFilter) =>
  infiniteQueryOptions({
    queryKey: ["events", given(filter)],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam }) => {
      const query = {
        limit: PAGE,
        ...given(filter),
        ...(pageParam === undefined ? {} : { before: pageParam }),
      };
      const { events } = await answerOf(api.GET("/api/events", { params: { query } }));
      return events.toReversed();
    },
    getNextPageParam: (page) => (page.length < PAGE ? undefined : page.at(-1)?.id),
  });

export const actionsQuery = infiniteQueryOptions({
  queryKey: ["actions"],
  initialPageParam: undefined as number | undefined,
  queryFn: async ({ pageParam }) => {
    const query = { limit: PAGE, ...(pageParam === undefined ? {} : { before: pageParam }) };
    return (await answerOf(api.GET("/api/actions", { params: { query } }))).actions;
  },
  getNextPageParam: (page) => (page.length < PAGE ? undefined : page.at(-1)?.id),
});

export const releasesQuery = infiniteQueryOptions({
  queryKey: ["releases"],
  initialPageParam: undefined as number | undefined,
  queryFn: async ({ pageParam }) => {
    const query = { limit: PAGE, ...(pageParam === undefined ? {} : { before: pageParam }) };
    return await answerOf(api.GET("/api/releases", { params: { query } }));
  },
  getNextPageParam: ({ releases }) =>
    releases.length < PAGE ? undefined : Number(releases.at(-1)?.eventId),
});

export const trendsQuery = (days: number) =>
  queryOptions({
    queryKey: ["trends", days],
    queryFn: async () => await answerOf(api.GET("/api/trends", { params: { query: { days } } })),
  });

export const ledgerQuery = queryOptions({
  queryKey: ["ledger"],
  queryFn: async () => await answerOf(api.GET("/api/ledger")),
});

export const goalsQuery = (state: Goal["state"] | undefined) =>
  infiniteQueryOptions({
    queryKey: ["goals", state ?? null],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam }) => {
      const query = {
        limit: PAGE,
        ...(state === undefined ? {} : { state }),
        ...(pageParam === undefined ? {} : { before: pageParam }),
      };
      return await answerOf(api.GET("/api/goals", { params: { query } }));
    },
    getNextPageParam: ({ goals }) => (goals.length < PAGE ? undefined : goals.at(-1)?.id),
  });

/** The steps of a conversation are told by nobody: it is asked for again while there is one. */
const WORKING_MS = 2000;

export const goalQuery = (id: string) =>
  queryOptions({
    queryKey: ["goal", id],
    queryFn: async () => await answerOf(api.GET("/api/goals/{id}", { params: { path: { id } } })),
    refetchInterval: ({ state }) =>
      state.data?.attempts.at(-1)?.state === "working" ? WORKING_MS : false,
  });

export const holdsQuery = queryOptions({
  queryKey: ["holds"],
  queryFn: async () => (await answerOf(api.GET("/api/holds"))).holds,
});

/** A page that stays open for days holds no more than so many; older ones are asked for again. */
export const MOST_EVENTS = 1000;

/** Puts a new event on top of the pages that it belongs to; told twice, it is shown once. */
export function addEvent(client: QueryClient, event: LedgerEvent): void {
  const pages = client.getQueriesData<InfiniteData<LedgerEvent[]>>({ queryKey: ["events"] });
  for (const [key, data] of pages) {
    const filter = (key[1] ?? {}) as LedgerFilter;
    const isOther =
      (filter.run !== undefined && filter.run !== event.runId) ||
      (filter.type !== undefined && filter.type !== event.type) ||
      (filter.actor !== undefined && filter.actor !== event.context["actor"]) ||
      filter.to !== undefined;
    const [first = [], ...rest] = data?.pages ?? [];
    if (data === undefined || isOther || first.some(({ id }) => id === event.id)) continue;
    const isFull = first.length >= MOST_EVENTS;
    // What is cut off takes the pages behind it along: between two there must be no hole.
    const newest = [event, ...(isFull ? first.slice(0, MOST_EVENTS / 2) : first)];
    client.setQueryData(key, {
      pages: isFull ? [newest] : [newest, ...rest],
      pageParams: isFull ? data.pageParams.slice(0, 1) : data.pageParams,
    });
  }
}
