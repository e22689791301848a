// What was loaded, in one place, and how a page's data are asked for while its
// code is still on the way.
import { QueryClient } from "@tanstack/react-query";
import { ApiError, type Endpoint, type Options, query } from "../api/client";
import { signedInBefore } from "./mark";

export const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      retry: (n, e) => n < 2 && !(e instanceof ApiError && e.status >= 400 && e.status < 500),
    },
  },
});

export type Ask = { [E in Endpoint]: [endpoint: E, options?: Options<E>] }[Endpoint];

/** untilItAnswers repeats what got no answer. */
export const untilItAnswers = (n: number, e: Error) => e instanceof ApiError && e.status === 0 && n < 20;

/** ahead asks for what a page will ask for, once. Errors are the page's to tell. */
export function ahead(asks: Ask[], retry: false | typeof untilItAnswers = false) {
  if (!signedInBefore()) return;
  for (const [endpoint, options] of asks as [Endpoint, Options<Endpoint>?][]) {
    void client.prefetchQuery({ ...query(endpoint, options), retry });
  }
}
