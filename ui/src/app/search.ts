// Filters live in the address: a page can be shared as it is seen.
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";

export type Search = Record<string, string | undefined>;

export function useParam(name: string, usual = ""): [string, (v: string) => void] {
  const search = useSearch({ strict: false }) as Search;
  const go = useNavigate();
  const set = useCallback(
    (v: string) => void go({ to: ".", search: ((old: Search) => ({ ...old, [name]: v === usual ? undefined : v })) as never, replace: true, resetScroll: false }),
    [go, name, usual],
  );
  return [search[name] ?? usual, set];
}

export function parse(text: string): Search {
  return Object.fromEntries(new URLSearchParams(text));
}

export function write(search: Record<string, unknown>): string {
  const out = new URLSearchParams();
  for (const [k, v] of Object.entries(search)) if (v !== undefined && v !== "") out.set(k, String(v));
  const text = out.toString();
  return text ? `?${text}` : "";
}
