import { createRootRoute, createRoute, createRouter, lazyRouteComponent as lazy, type RouteComponent } from "@tanstack/react-router";
import { parse, write } from "./search";
import { NotFound, Shell } from "./shell";
import Overview from "../pages/overview";

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, validateSearch: (s: Record<string, unknown>) => s });

const at = <const P extends string>(path: P, component: RouteComponent) => createRoute({ getParentRoute: () => root, path, component });

export const router = createRouter({
  routeTree: root.addChildren([
    at("/", Overview),
    at("/stacks", lazy(() => import("../pages/stacks"))),
    at("/stacks/new", lazy(() => import("../pages/stack_new"))),
    at("/stacks/$stack", lazy(() => import("../pages/stack"))),
    at("/stacks/$stack/plan", lazy(() => import("../pages/stack_plan"))),
    at("/secrets", lazy(() => import("../pages/secrets"))),
    at("/rotation", lazy(() => import("../pages/rotation"))),
    at("/rotation/$id", lazy(() => import("../pages/rotation_run"))),
    at("/procedures", lazy(() => import("../pages/procedures"))),
    at("/procedures/$procedure", lazy(() => import("../pages/procedure"))),
    at("/sync", lazy(() => import("../pages/sync"))),
    at("/sync/$sync", lazy(() => import("../pages/sync_diff"))),
    at("/activity", lazy(() => import("../pages/activity"))),
    at("/activity/$id", lazy(() => import("../pages/update"))),
    at("/servers", lazy(() => import("../pages/servers"))),
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
