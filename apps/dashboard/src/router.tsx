import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
} from "@tanstack/react-router";
import { Problem } from "./parts/states.tsx";
import { Now } from "./screens/now.tsx";
import { Runs } from "./screens/runs.tsx";
import { Login } from "./screens/login.tsx";
import { Shell } from "./shell/shell.tsx";

const root = createRootRoute({ component: Outlet });
const shell = createRoute({ getParentRoute: () => root, id: "shell", component: Shell });

/** What of a query string is text and set. */
function words<K extends string>(search: Record<string, unknown>, keys: readonly K[]) {
  return Object.fromEntries(
    keys.flatMap((key) => {
      const value = search[key];
      return typeof value === "string" && value !== "" ? [[key, value]] : [];
    }),
  ) as { [key in K]?: string };
}

const login = createRoute({ getParentRoute: () => root, path: "/login", component: Login });
const now = createRoute({ getParentRoute: () => shell, path: "/", component: Now });
const runs = createRoute({
  getParentRoute: () => shell,
  path: "/runs",
  component: Runs,
  validateSearch: (search) => words(search, ["status"]),
});
const run = createRoute({
  getParentRoute: () => shell,
  path: "/runs/$id",
  component: lazyRouteComponent(() => import("./screens/run.tsx"), "RunPage"),
});
const goals = createRoute({
  getParentRoute: () => shell,
  path: "/goals",
  component: lazyRouteComponent(() => import("./screens/goals.tsx"), "Goals"),
  validateSearch: (search) => words(search, ["state"]),
});
const goal = createRoute({
  getParentRoute: () => shell,
  path: "/goals/$id",
  component: lazyRouteComponent(() => import("./screens/goal.tsx"), "GoalPage"),
});
const ledger = createRoute({
  getParentRoute: () => shell,
  path: "/ledger",
  component: lazyRouteComponent(() => import("./screens/ledger.tsx"), "Ledger"),
  validateSearch: (search) => words(search, ["run", "type", "actor", "from", "to"]),
});
const lineage = createRoute({
  getParentRoute: () => shell,
  path: "/lineage",
  component: lazyRouteComponent(() => import("./screens/lineage.tsx"), "Lineage"),
});
const trends = createRoute({
  getParentRoute: () => shell,
  path: "/trends",
  component: lazyRouteComponent(() => import("./screens/trends.tsx"), "Trends"),
});
const actions = createRoute({
  getParentRoute: () => shell,
  path: "/actions",
  component: lazyRouteComponent(() => import("./screens/actions.tsx"), "Actions"),
});

export const router = createRouter({
  routeTree: root.addChildren([
    login,
    shell.addChildren([now, goals, goal, runs, run, ledger, lineage, trends, actions]),
  ]),
  defaultErrorComponent: ({ error }) => (
    <Problem error={error instanceof Error ? error : new Error(String(error))} />
  ),
  defaultNotFoundComponent: () => <Problem error={new Error("There is no such page here.")} />,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
