// Filters live in the address: a page can be shared as it is seen.
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useRef, useState } from "react";

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

/** useChoice is useParam for one of a few: the first is the usual one, and stands for what is none of them. */
export function useChoice(name: string, choices: string[]): [string, (v: string | null) => void] {
  const usual = choices[0] ?? "";
  const [v, set] = useParam(name, usual);
  return [choices.includes(v) ? v : usual, (to) => set(to ?? usual)];
}

/** useTyped is useParam for what is typed: the list follows each key, the address when the fingers rest. */
export function useTyped(name: string): [string, (v: string) => void] {
  const [kept, keep] = useParam(name);
  const [text, setText] = useState(kept);
  const typed = useRef(kept);
  useEffect(() => {
    if (kept !== typed.current) setText((typed.current = kept)); // from elsewhere: back, a link
  }, [kept]);
  useEffect(() => {
    if (text === typed.current) return;
    const t = setTimeout(() => {
      typed.current = text;
      keep(text);
    }, 200);
    return () => clearTimeout(t);
  }, [text, keep]);
  return [text, setText];
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
