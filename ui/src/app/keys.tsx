// One list of keys: what they do, and the help that shows them.
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { pages } from "./pages";

export interface Key {
  keys: string;
  does: string;
  run: () => void;
}

const Help = lazy(() => import("./help"));
const local = new Set<Key[]>();

/** useKeys makes keys work while a component is shown. */
export function useKeys(keys: Key[]) {
  const ref = useRef(keys);
  ref.current = keys;
  useEffect(() => {
    const mine: Key[] = ref.current.map((k, i) => ({ ...k, run: () => ref.current[i]?.run() }));
    local.add(mine);
    return () => {
      local.delete(mine);
    };
  }, []);
}

function typing(e: KeyboardEvent): boolean {
  const el = e.target as HTMLElement | null;
  return Boolean(el?.closest("input,textarea,select,[contenteditable=true],[role=dialog]"));
}

/** Keys listens, for pages, rows and the help. */
export function Keys({ go }: { go: (to: string) => void }) {
  const [help, setHelp] = useState(false);
  const first = useRef("");
  const goTo = useRef(go);
  goTo.current = go;
  useEffect(() => {
    const press = (e: KeyboardEvent) => {
      if (typing(e) || e.ctrlKey || e.metaKey || e.altKey) return;
      const key = e.key;
      if (first.current === "g") {
        first.current = "";
        const page = pages.find((p) => p.key === key);
        if (page) {
          e.preventDefault();
          goTo.current(page.path);
        }
        return;
      }
      if (key === "g") {
        first.current = "g";
        setTimeout(() => {
          first.current = "";
        }, 1200);
        return;
      }
      if (key === "?") return setHelp(true);
      if (key === "/") {
        const box = document.querySelector<HTMLInputElement>("[data-filter]");
        if (box) {
          e.preventDefault();
          box.focus();
          box.select();
        }
        return;
      }
      if (key === "j" || key === "k") return moveRow(key === "j" ? 1 : -1);
      if (key === "Enter" && document.activeElement?.matches("[data-row]")) {
        const row = document.activeElement as HTMLElement; // what a click on it does; a row that does nothing has a link
        (row.classList.contains("open") ? row : row.querySelector<HTMLElement>("a"))?.click();
        return;
      }
      if (key === ".") {
        const code = document.querySelector<HTMLElement>("main .cli button");
        code?.click();
        return;
      }
      for (const keys of [...local].reverse()) {
        const k = keys.find((x) => x.keys === key);
        if (k) {
          e.preventDefault();
          k.run();
          return;
        }
      }
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
  return help ? (
    <Suspense fallback={null}>
      <Help here={[...local].flat()} close={() => setHelp(false)} />
    </Suspense>
  ) : null;
}

function moveRow(by: number) {
  const rows = [...document.querySelectorAll<HTMLElement>("main [data-row]")];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const next = rows[at < 0 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1)];
  if (!next) return;
  next.tabIndex = -1;
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}
