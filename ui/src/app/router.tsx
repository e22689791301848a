import { createRootRoute, createRoute, createRouter, lazyRouteComponent as lazy, type RouteComponent } from "@tanstack/react-router";
import { type Ask, ahead } from "./query";
import { parse, write } from "./search";
import { NotFound, Shell } from "./shell";
import Overview from "../pages/overview";

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, validateSearch: (s: Record<string, unknown>) => s });

type Params = Record<string, string>;

// What a page asks for first is asked for before its code is there. It waits
// for none of it.
const at = <const P extends string>(path: P, component: RouteComponent, asks?: (p: Params) => Ask[]) =>
  createRoute({ getParentRoute: () => root, path, component, shouldReload: false, loader: asks && (({ params }) => ahead(asks(params as Params))) });

export const router = createRouter({
  routeTree: root.addChildren([
    at("/", Overview, () => [["GET /v1/stacks"], ["GET /v1/states"], ["GET /v1/updates", { query: { limit: 500 } }], ["GET /v1/servers"], ["GET /v1/drift"]]),
    at("/stacks", lazy(() => import("../pages/stacks")), () => [["GET /v1/stacks"], ["GET /v1/states"], ["GET /v1/drift"]]),
    at("/stacks/new", lazy(() => import("../pages/stack_new"))),
    at("/stacks/$stack", lazy(() => import("../pages/stack")), ({ stack = "" }) => [["GET /v1/stacks/{stack}", { path: { stack } }], ["GET /v1/stacks/{stack}/state", { path: { stack } }], ["GET /v1/drift"], ["GET /v1/updates", { query: { stack, limit: 50 } }]]),
    at("/stacks/$stack/plan", lazy(() => import("../pages/stack_plan"))),
    at("/secrets", lazy(() => import("../pages/secrets")), () => [["GET /v1/drift"]]),
    at("/rotation", lazy(() => import("../pages/rotation"))),
    at("/rotation/$id", lazy(() => import("../pages/rotation_run"))),
    at("/procedures", lazy(() => import("../pages/procedures")), () => [["GET /v1/procedures"]]),
    at("/procedures/$procedure", lazy(() => import("../pages/procedure"))),
    at("/sync", lazy(() => import("../pages/sync")), () => [["GET /v1/syncs"]]),
    at("/sync/$sync", lazy(() => import("../pages/sync_diff"))),
    at("/activity", lazy(() => import("../pages/activity"))),
    at("/activity/$id", lazy(() => import("../pages/update"))),
    at("/servers", lazy(() => import("../pages/servers")), () => [["GET /v1/servers"], ["GET /v1/stacks"]]),
    at("/settings", lazy(() => import("../pages/settings"))),
    at("/welcome", lazy(() => import("../pages/welcome"))),
  ]),
  parseSearch: parse,
  stringifySearch: write,
  defaultPreload: "intent",
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
