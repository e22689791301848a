// The pages: adding one is a file, and a line here and in the router.
import type { IconName } from "../components/icon";

export interface PageEntry {
  path: string;
  title: string;
  icon: IconName;
  key: string;
  /** Shown in the bar of a phone. */
  phone?: boolean;
}

export const pages: PageEntry[] = [
  { path: "/", title: "Overview", icon: "overview", key: "o", phone: true },
  { path: "/stacks", title: "Stacks", icon: "stacks", key: "s", phone: true },
  { path: "/secrets", title: "Secrets", icon: "secrets", key: "k", phone: true },
  { path: "/rotation", title: "Rotation", icon: "rotation", key: "r" },
  { path: "/procedures", title: "Procedures", icon: "procedures", key: "p" },
  { path: "/sync", title: "Sync", icon: "sync", key: "y" },
  { path: "/activity", title: "Activity", icon: "activity", key: "a", phone: true },
  { path: "/servers", title: "Servers", icon: "servers", key: "v" },
  { path: "/settings", title: "Settings", icon: "settings", key: "," },
];
