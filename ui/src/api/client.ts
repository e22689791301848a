// The one way to the server: endpoints, parameters and answers are those of
// the description of the API.
import { type UseQueryOptions, useQuery } from "@tanstack/react-query";
import type { Endpoints } from "./schema";

export type * from "./schema";

export type Endpoint = keyof Endpoints;
export type Out<E extends Endpoint> = Endpoints[E]["out"];
export type In<E extends Endpoint> = Endpoints[E]["in"];
type Part<P extends string> = P extends `${string}{${infer N}}${infer R}` ? N | Part<R> : never;

export interface Options<E extends Endpoint> {
  path?: Record<Part<E>, string>;
  query?: Endpoints[E]["query"];
  body?: In<E>;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** ApiError is an answer that is no success, in the server's own words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint = "",
  ) {
    super(message);
  }
}

/** address returns the path of an endpoint with its parts and parameters. */
export function address<E extends Endpoint>(endpoint: E, o: Options<E> = {}): string {
  const [, path = ""] = endpoint.split(" ");
  const parts = (o.path ?? {}) as Record<string, string>;
  const full = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(parts[name] ?? ""));
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(o.query ?? {})) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `${full}?${text}` : full;
}

const ended = new Set<() => void>();

/** onSignedOut calls f when the server says that nobody is signed in. */
export function onSignedOut(f: () => void): () => void {
  ended.add(f);
  return () => ended.delete(f);
}

export async function call<E extends Endpoint>(endpoint: E, o: Options<E> = {}): Promise<Out<E>> {
  return (await ask(endpoint, o))[0];
}

/** replace puts a resource in place of what was seen of it, unless that has changed: nobody's change is lost. What is put may be made of what is there. */
export async function replace<G extends Endpoint, P extends Endpoint>(read: G, put: P, path: Record<string, string>, seen: Partial<Out<G>>, body: In<P> | ((now: Out<G>) => In<P>)): Promise<Out<P>> {
  const [now, tag] = await ask(read, { path } as Options<G>);
  const other = now as Record<string, unknown>;
  for (const [name, value] of Object.entries(seen)) {
    if (JSON.stringify(other[name]) === JSON.stringify(value)) continue;
    throw new ApiError(412, "conflict", `${String(other.updated_by ?? "Somebody")} changed it in the meantime`, "Close this form, look at the change, and make yours again");
  }
  return call(put, { path, body: typeof body === "function" ? (body as (now: Out<G>) => In<P>)(now) : body, headers: tag ? { "If-Match": tag } : {} } as Options<P>);
}

async function ask<E extends Endpoint>(endpoint: E, o: Options<E>): Promise<[Out<E>, string | null]> {
  const [method = "GET"] = endpoint.split(" ");
  let answer: Response;
  try {
    answer = await fetch(address(endpoint, o), {
      method,
      credentials: "same-origin",
      headers: { ...(o.body === undefined ? {} : { "Content-Type": "application/json" }), ...o.headers },
      body: o.body === undefined ? undefined : JSON.stringify(o.body),
      signal: o.signal,
    });
  } catch (e) {
    if (o.signal?.aborted) throw e;
    throw new ApiError(0, "unavailable", "The server does not answer", `Is rinca serve running, and can you reach it?${method === "GET" ? " This page tries again by itself." : " Nothing was sent, or its answer is lost: look before you do it again."}`);
  }
  if (answer.ok) {
    const empty = answer.status === 204 || (answer.status === 202 && answer.headers.get("Content-Length") === "0");
    return [(empty ? undefined : await answer.json()) as Out<E>, answer.headers.get("ETag")];
  }
  const text = await answer.text();
  let failed = { code: "internal", message: `the server answered ${answer.status}`, hint: "" };
  try {
    failed = { ...failed, ...(JSON.parse(text) as { error: typeof failed }).error };
  } catch {
    // A proxy in between answers in its own way.
  }
  if (answer.status === 401 && endpoint !== "POST /v1/login" && endpoint !== "GET /v1/me") {
    for (const f of ended) f();
  }
  throw new ApiError(answer.status, failed.code, sentence(failed.message), failed.hint);
}

/** sentence begins with a capital letter, as texts for people do; a name or a command stays as it is. */
export function sentence(text: string): string {
  if (!/^[a-z]+([ ,:;']|$)/.test(text)) return text;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** keyOf is where the answer of an endpoint is kept. */
export function keyOf<E extends Endpoint>(endpoint: E, o: Options<E> = {}): unknown[] {
  return [endpoint, o.path ?? {}, o.query ?? {}];
}

/** query is how the answer of an endpoint is asked for, and where it is kept. */
export function query<E extends Endpoint>(endpoint: E, o: Options<E> = {}) {
  return { queryKey: keyOf(endpoint, o), queryFn: ({ signal }: { signal: AbortSignal }) => call(endpoint, { ...o, signal }) };
}

export function useGet<E extends Endpoint>(
  endpoint: E,
  o: Options<E> = {},
  more: Partial<Omit<UseQueryOptions<Out<E>, ApiError>, "queryKey" | "queryFn">> = {},
) {
  return useQuery<Out<E>, ApiError>({ ...query(endpoint, o), ...more });
}

/** absolute makes an address of this server one that works from elsewhere. */
export function absolute(url: string): string {
  return new URL(url, location.origin).toString();
}
