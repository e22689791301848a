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
  return /^(rinca|make|docker|curl) /.test(text) ? (
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

export function done(message: string) {
  notifications.show({ message, color: "teal", autoClose: 4000, closeButtonProps: { "aria-label": "Dismiss" } });
}
