// Lists: a table on a screen, cards on a phone; a thousand rows cost as much
// as those that can be seen.
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useRef, useState } from "react";

export interface Column<T> {
  title: string;
  show: (row: T) => ReactNode;
  /** Columns with a sort can be ordered by. */
  sort?: (row: T) => string | number;
  width?: string;
  /** Left out of cards on a phone. */
  minor?: boolean;
  end?: boolean;
}

interface Props<T> {
  rows: T[];
  columns: Column<T>[];
  id: (row: T) => string;
  open?: (row: T) => void;
  label: string;
  empty?: ReactNode;
}

export function Table<T>({ rows, columns, id, open, label, empty }: Props<T>) {
  const box = useRef<HTMLDivElement>(null);
  const [by, setBy] = useState<{ column: number; down: boolean } | null>(null);
  const [top, setTop] = useState(0);
  useEffect(() => setTop(box.current?.offsetTop ?? 0), []);
  const sort = by ? columns[by.column]?.sort : undefined;
  const sorted = sort
    ? [...rows].sort((a, b) => {
        const [x, y] = [sort(a), sort(b)];
        return (x < y ? -1 : x > y ? 1 : 0) * (by?.down ? -1 : 1);
      })
    : rows;
  const many = sorted.length > 80;
  const v = useWindowVirtualizer({ count: many ? sorted.length : 0, estimateSize: () => 41, overscan: 12, scrollMargin: top, initialRect: { width: innerWidth, height: innerHeight } });
  const items = v.getVirtualItems();
  const shown = many ? items.map((i) => ({ row: sorted[i.index] as T, index: i.index })) : sorted.map((row, index) => ({ row, index }));
  const before = many && items[0] ? items[0].start - top : 0;
  const last = items.at(-1);
  const after = many && last ? v.getTotalSize() - (last.end - top) : 0;
  if (!rows.length && empty) return <>{empty}</>;
  return (
    <div ref={box}>
      <table className="table" aria-label={label} aria-rowcount={sorted.length + 1}>
        <thead>
          <tr>
            {columns.map((c, i) => (
              <th key={c.title || i} style={c.width ? { width: c.width } : undefined} className={c.end ? "end" : undefined} aria-sort={by?.column === i ? (by.down ? "descending" : "ascending") : undefined}>
                {c.sort ? (
                  <button type="button" onClick={() => setBy(by?.column === i ? (by.down ? null : { column: i, down: true }) : { column: i, down: false })}>
                    {c.title}
                    <span aria-hidden="true">{by?.column === i ? (by.down ? " ↓" : " ↑") : ""}</span>
                  </button>
                ) : (
                  c.title || <span className="vh">Actions</span>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 && (
            <tr aria-hidden="true" className="space">
              <td colSpan={columns.length} style={{ height: before }} />
            </tr>
          )}
          {shown.map(({ row, index }) => (
            <tr
              key={id(row)}
              ref={many ? v.measureElement : undefined}
              data-index={index}
              data-row
              aria-rowindex={index + 2}
              className={open ? "open" : undefined}
              onClick={
                open
                  ? (e) => {
                      if (!(e.target as HTMLElement).closest("a,button,input,label") && !getSelection()?.toString()) open(row);
                    }
                  : undefined
              }
            >
              {columns.map((c, i) => (
                <td key={c.title || i} data-title={c.title} className={[c.minor ? "minor" : "", c.end ? "end" : ""].join(" ").trim() || undefined}>
                  {c.show(row)}
                </td>
              ))}
            </tr>
          ))}
          {after > 0 && (
            <tr aria-hidden="true" className="space">
              <td colSpan={columns.length} style={{ height: after }} />
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}
