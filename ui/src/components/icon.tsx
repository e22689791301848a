// Icons of our own: lines on a grid of 24, in the colour of the text.
const paths = {
  overview: "M3 12l9-8 9 8M5 10v10h5v-6h4v6h5V10",
  stacks: "M12 3l9 5-9 5-9-5zM3 12l9 5 9-5M3 16l9 5 9-5",
  secrets: "M14 10a4 4 0 1 0-3.5 4L13 16h2v2h2v2h3v-3l-6-6zM8.5 10h.01",
  rotation: "M4 12a8 8 0 0 1 14-5l2 2M20 4v5h-5M20 12a8 8 0 0 1-14 5l-2-2M4 20v-5h5",
  procedures: "M4 5h6v4H4zM14 5h6v4h-6zM9 15h6v4H9zM7 9v3h10V9M12 12v3",
  sync: "M7 4v13M4 14l3 3 3-3M17 20V7M14 10l3-3 3 3",
  activity: "M3 12h4l3-8 4 16 3-8h4",
  servers: "M4 4h16v6H4zM4 14h16v6H4zM8 7h.01M8 17h.01",
  settings: "M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4",
  search: "M11 18a7 7 0 1 1 0-14 7 7 0 0 1 0 14zM20 20l-4-4",
  ok: "M5 12.5l4.5 4.5L19 7.5", bad: "M6 6l12 12M18 6L6 18", warn: "M12 4l9 16H3zM12 10v4M12 17h.01",
  wait: "M12 21a9 9 0 1 1 0-18 9 9 0 0 1 0 18zM12 7v5l3 2", run: "M8 5l11 7-11 7z", stop: "M6 6h12v12H6z",
  unknown: "M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M12 17h.01", drift: "M12 3l9 9-9 9-9-9z",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1", eye: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM12 15a3 3 0 1 1 0-6 3 3 0 0 1 0 6z",
  plus: "M12 5v14M5 12h14", more: "M5 12h.01M12 12h.01M19 12h.01", sun: "M12 17a5 5 0 1 1 0-10 5 5 0 0 1 0 10zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1 1M18 18l1 1M19 5l-1 1M6 18l-1 1",
  moon: "M20 14A8 8 0 0 1 10 4a8 8 0 1 0 10 10z", auto: "M12 21a9 9 0 1 1 0-18zM12 3a9 9 0 0 1 0 18", user: "M12 12a4 4 0 1 1 0-8 4 4 0 0 1 0 8zM4 20c1-4 4-6 8-6s7 2 8 6",
  right: "M9 5l7 7-7 7", left: "M15 5l-7 7 7 7", down: "M5 9l7 7 7-7", external: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6", trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13",
  edit: "M4 20l1-5L16 4l4 4L9 19zM14 6l4 4", key: "M15 3a6 6 0 1 0-5 9l-7 7v2h4v-2h2v-2h2l1-2M16 8h.01", bell: "M6 17V11a6 6 0 0 1 12 0v6l2 2H4zM10 21h4", keyboard: "M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M8 14h8",
  undo: "M4 9h10a6 6 0 0 1 0 12H8M8 4L4 9l4 5", lock: "M6 11h12v9H6zM8 11V8a4 4 0 0 1 8 0v3", menu: "M4 6h16M4 12h16M4 18h16", git: "M6 4v16M6 16c0-5 12-3 12-9M18 7a2 2 0 1 1 0-4 2 2 0 0 1 0 4z", freeze: "M12 2v20M4 7l16 10M20 7L4 17",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 18, label }: { name: IconName; size?: number; label?: string }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.9" strokeLinecap="round" strokeLinejoin="round" role={label ? "img" : undefined} aria-label={label} aria-hidden={label ? undefined : true} style={{ flexShrink: 0 }}>
      <path d={paths[name]} />
    </svg>
  );
}
