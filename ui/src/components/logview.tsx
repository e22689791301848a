import { Button, Checkbox, Group, TextInput } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, type ReactNode, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { Icon } from "./icon";
import { type Entry, type Lines, matcher, pieces } from "./lines";
import { ofDay } from "./time";

interface Props {
  lines: Lines;
  label: string;
  stage?: string;
  height?: string;
  tools?: ReactNode;
  empty?: string;
  name: string;
}

const shades = 7;
const row = 20; // as app.css has it

/** LogView shows lines as they come: those that can be seen are drawn, however many there are. */
export function LogView({ lines, label, stage, height = "60vh", tools, empty = "No lines yet", name }: Props) {
  const version = useSyncExternalStore(lines.watch, lines.current);
  const [filter, setFilter] = useState("");
  const [bad, setBad] = useState(false);
  const [wrap, setWrap] = useState(false);
  const [follow, setFollow] = useState(true);
  const box = useRef<HTMLDivElement>(null);
  const shown = useMemo(() => {
    void version;
    const match = matcher(filter);
    if (!match && !stage && !bad) return lines.entries;
    return lines.entries.filter((l) => (!stage || l.stage === stage) && (!bad || looksBad(l)) && (!match || match(`${l.service ?? ""} ${l.text}`)));
  }, [lines, version, filter, stage, bad]);
  const shade = useRef(new Map<string, number>());
  const v = useVirtualizer({ count: shown.length, getScrollElement: () => box.current, estimateSize: () => row, overscan: 20 });
  // Lines that are not wrapped are one row each, and need not be measured.
  useEffect(() => {
    if (!wrap) v.measure();
  }, [wrap, v]);

  useEffect(() => {
    if (follow && shown.length) v.scrollToIndex(shown.length - 1, { align: "end" });
  }, [follow, shown.length, v]);

  const scrolled = () => {
    const el = box.current;
    if (!el) return;
    const end = el.scrollHeight - el.scrollTop - el.clientHeight < 40;
    if (end !== follow && !end) setFollow(false);
    if (end && !follow) setFollow(true);
  };
  const shadeOf = (service: string) => {
    let n = shade.current.get(service);
    if (n === undefined) {
      n = shade.current.size % shades;
      shade.current.set(service, n);
    }
    return n;
  };
  const progress = [...lines.progress.values()];
  return (
    <div className="logview">
      <Group gap="xs" className="logtools" wrap="wrap">
        <TextInput aria-label="Filter lines" placeholder="Filter, or /expression/" value={filter} onChange={(e) => setFilter(e.currentTarget.value)} size="xs" className="grow" leftSection={<Icon name="search" size={14} />} />
        {tools}
        <Checkbox size="xs" label="Errors" checked={bad} onChange={(e) => setBad(e.currentTarget.checked)} />
        <Checkbox size="xs" label="Wrap" checked={wrap} onChange={(e) => setWrap(e.currentTarget.checked)} />
        <Button variant={follow ? "light" : "default"} aria-pressed={follow} onClick={() => setFollow(!follow)}>
          {follow ? "Following" : "Follow"}
        </Button>
        <Button variant="default" onClick={() => download(name, shown)}>
          Download
        </Button>
      </Group>
      <div ref={box} className={wrap ? "log wrap" : "log"} style={{ height }} onScroll={scrolled} onWheel={(e) => e.deltaY < 0 && setFollow(false)} role="log" aria-label={label} aria-live="off" tabIndex={0}>
        {shown.length === 0 && <div className="dim pad">{filter || bad ? "No line matches" : empty}</div>}
        <div style={{ height: v.getTotalSize(), position: "relative" }}>
          {v.getVirtualItems().map((i) => {
            const l = shown[i.index];
            return l ? (
              <div key={i.key} data-index={i.index} ref={wrap ? v.measureElement : undefined} className="logrow" style={{ transform: `translateY(${i.start}px)` }}>
                <Row line={l} shade={l.service ? shadeOf(l.service) : -1} />
              </div>
            ) : null;
          })}
        </div>
      </div>
      {progress.length > 0 && (
        <div className="progress" aria-label="Progress">
          {progress.map((p) => (
            <div key={`${p.service}/${p.stage}`}>
              <span className="mono">{p.service}</span> <span className="dim">{p.text}</span>
              {p.total ? <progress value={p.current ?? 0} max={p.total} aria-label={`${p.service}: ${p.text}`} /> : null}
            </div>
          ))}
        </div>
      )}
      <div className="dim small logfoot" role="status">
        {shown.length.toLocaleString()} {shown.length === 1 ? "line" : "lines"}
        {shown.length !== lines.entries.length && ` of ${lines.entries.length.toLocaleString()}`}
      </div>
    </div>
  );
}

function looksBad(l: Entry): boolean {
  return l.stream === "err" || /\b(error|fatal|panic|failed|exception)\b/i.test(l.text);
}

const Row = memo(function Row({ line, shade }: { line: Entry; shade: number }) {
  const at = line.at ? new Date(line.at) : null;
  return (
    <>
      {at && <time dateTime={line.at}>{ofDay(at)}</time>}
      {line.service && <span className={`svc s${shade}`}>{line.service}</span>}
      <span className={line.stream === "err" ? "text err" : "text"}>
        {pieces(line.text).map((p, i) => (p.style ? <span key={i} className={p.style}>{p.text}</span> : p.text))}
      </span>
    </>
  );
});

function download(name: string, lines: Entry[]) {
  const text = lines.map((l) => [l.at ?? "", l.service ?? "", l.text].filter(Boolean).join(" ")).join("\n");
  const url = URL.createObjectURL(new Blob([`${text}\n`], { type: "text/plain" }));
  const a = document.createElement("a");
  a.href = url;
  a.download = `${name}.log`;
  a.click();
  URL.revokeObjectURL(url);
}
