import { cloneElement, type ReactElement } from "react";

/** Tip says more about what the pointer rests on, in the browser's own way. */
export function Tooltip({ label, children }: { label: string; children: ReactElement<{ title?: string }> }) {
  return cloneElement(children, { title: label });
}
