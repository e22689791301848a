import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { ApiError, sentence } from "../api/client";
import { Icon } from "./icon";

/** Problem says what failed, and what to do next. */
export function Problem({ error, retry, title }: { error: unknown; retry?: () => void; title?: string }) {
  const e = error instanceof ApiError ? error : new ApiError(0, "internal", error instanceof Error ? error.message : String(error));
  return (
    <div className="problem" role="alert">
      <Icon name="warn" size={20} />
      <div className="grow">
        <strong>{title ?? e.message}</strong>
        {title && <div>{e.message}</div>}
        {e.hint && <Hint text={e.hint} />}
        <div className="dim small">{e.code}</div>
      </div>
      {retry && (
        <Button variant="default" onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** Hint shows a command as one. */
export function Hint({ text }: { text: string }) {
  return /^(rinca|make|docker|curl|git|op|ssh|ssh-keyscan|ls|df|chown|chmod|sudo|systemctl|kill|ip) /.test(text) ? (
    <div>
      On the command line: <code>{text}</code>
    </div>
  ) : (
    <div>{sentence(text)}</div>
  );
}

export function failed(error: unknown, title?: string) {
  const e = error instanceof ApiError ? error : new ApiError(0, "internal", String(error));
  notifications.show({
    color: "red",
    title: title ?? e.message,
    message: [title ? e.message : "", e.hint].filter(Boolean).join(". "),
    autoClose: 10_000,
    withCloseButton: true,
    closeButtonProps: { "aria-label": "Dismiss" },
  });
}

/** copied puts text into the clipboard, and says so. A page without TLS has no clipboard but that of its selection. */
export async function copied(text: string, message?: string): Promise<boolean> {
  if (!(await toClipboard(text))) {
    failed(new ApiError(0, "unavailable", "It was not copied", "This browser lets no page without https copy: select it, and copy it with the keys"));
    return false;
  }
  if (message) done(message);
  return true;
}

async function toClipboard(text: string): Promise<boolean> {
  try {
    if (isSecureContext) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    // Asked, and refused: the other way may go.
  }
  const box = document.createElement("textarea");
  box.value = text;
  box.style.position = "fixed";
  box.style.opacity = "0";
  (document.querySelector('[role="dialog"]') ?? document.body).append(box); // within what holds the focus
  box.select();
  const ok = document.execCommand("copy");
  box.value = "";
  box.remove();
  return ok;
}

export function done(message: string) {
  notifications.show({ message, color: "teal", autoClose: 4000, closeButtonProps: { "aria-label": "Dismiss" } });
}
