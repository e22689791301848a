import { TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { ApiError, call } from "../api/client";
import { ago } from "./time";

/** CronField takes a schedule in English or cron, and says what it means. */
export function CronField({ value, zone, change }: { value: string; zone?: string; change: (v: string) => void }) {
  const [asked] = useDebouncedValue(value, 350);
  const q = useQuery({
    queryKey: ["explain", asked, zone ?? ""],
    queryFn: () => call("POST /v1/schedules/explain", { body: { text: asked, timezone: zone || undefined } as never }) as Promise<{ cron?: string; next?: string[]; notes?: string[] }>,
    enabled: asked.trim() !== "",
    retry: false,
    staleTime: 60_000,
  });
  const wrong = asked && q.error instanceof ApiError ? [q.error.message, q.error.hint].filter(Boolean).join(". ") : undefined;
  return (
    <div>
      <TextInput label="Schedule" value={value} onChange={(e) => change(e.currentTarget.value)} placeholder="Every day at 02:00, or 0 2 * * *" error={wrong} description="In English, or as cron. Left empty: by hand and by webhook" />
      {asked && q.data && !wrong && (
        <div className="dim small" role="status" style={{ marginTop: 4 }}>
          <code>{q.data.cron}</code> → next: {(q.data.next ?? []).slice(0, 3).map((n) => `${new Date(n).toLocaleString(undefined, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" })} (${ago(n)})`).join(", ")}
          {(q.data.notes ?? []).map((n) => (
            <div key={n} className="warn-t">
              {n}
            </div>
          ))}
        </div>
      )}
    </div>
  );
}
