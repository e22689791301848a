// Values of secrets. A value is only here while somebody looks at it: it is
// asked for without a cache, shown as text, and gone after 20 seconds, when the
// window loses focus, or when the page is left.
import { ActionIcon, Button, Group, PasswordInput } from "@mantine/core";
import { Tooltip } from "./tip";
import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { copied, failed } from "./problem";
import { Icon } from "./icon";

export const shownFor = 20;

export function Revealed({ load, may, label }: { load: () => Promise<string>; may: boolean; label: string }) {
  const box = useRef<HTMLElement>(null);
  const timer = useRef<ReturnType<typeof setInterval>>(undefined);
  const [left, setLeft] = useState(0);
  const hide = useCallback(() => {
    clearInterval(timer.current);
    if (box.current) box.current.textContent = "";
    setLeft(0);
  }, []);
  useEffect(() => {
    window.addEventListener("blur", hide);
    document.addEventListener("visibilitychange", hide);
    return () => {
      window.removeEventListener("blur", hide);
      document.removeEventListener("visibilitychange", hide);
      clearInterval(timer.current);
    };
  }, [hide]);
  const show = async () => {
    try {
      const value = await load();
      // Not in the state of a component, which would keep it.
      if (box.current) box.current.textContent = value;
      setLeft(shownFor);
      clearInterval(timer.current);
      timer.current = setInterval(() => setLeft((n) => (n > 1 ? n - 1 : (queueMicrotask(hide), 0))), 1000);
    } catch (e) {
      failed(e, "The value is not shown");
    }
  };
  const copy = async () => {
    try {
      await copied(await load(), "The value is copied");
    } catch (e) {
      failed(e, "The value was not copied");
    }
  };
  return (
    <span className="revealed">
      {left === 0 && <span aria-label={`The value of ${label} is hidden`}>••••••••</span>}
      <code ref={box} data-secret className={left ? "" : "none"} />
      {may && (
        <>
          <Tooltip label={left ? "Hide it" : "Show it: this is written to the audit log"}>
            <ActionIcon variant="subtle" color="gray" aria-label={left ? `Hide the value of ${label}` : `Reveal the value of ${label}`} onClick={left ? hide : () => void show()}>
              <Icon name="eye" size={16} />
            </ActionIcon>
          </Tooltip>
          <Tooltip label="Copy it, without showing it: this is written to the audit log">
            <ActionIcon variant="subtle" color="gray" aria-label={`Copy the value of ${label}`} onClick={() => void copy()}>
              <Icon name="copy" size={15} />
            </ActionIcon>
          </Tooltip>
          {left > 0 && <span className="dim small num">hides in {left} s</span>}
        </>
      )}
    </span>
  );
}

/** WriteOnly is an input for what is never read back from the server. */
export function WriteOnly({ input, label, name, description, required, placeholder, lines }: { input: React.RefObject<HTMLInputElement | HTMLTextAreaElement | null>; label: string; name?: string; description?: ReactNode; required?: boolean; placeholder?: string; lines?: boolean }) {
  if (lines) {
    return (
      <label className="field">
        <span className="lbl">{label}</span>
        {description && <span className="dim small">{description}</span>}
        <textarea ref={input as React.RefObject<HTMLTextAreaElement>} rows={4} spellCheck={false} autoComplete="off" className="plainarea mono" placeholder={placeholder} />
      </label>
    );
  }
  return <PasswordInput ref={input as React.RefObject<HTMLInputElement>} label={label || undefined} aria-label={name} size={label ? undefined : "xs"} style={label ? undefined : { minWidth: 170 }} description={description} required={required} placeholder={placeholder} autoComplete="new-password" data-1p-ignore spellCheck={false} visibilityToggleButtonProps={{ "aria-label": "Show what is typed" }} />;
}

/** typed reads what was typed. It stays until it is kept: who has to try again sends the same. */
export function typed(input: React.RefObject<HTMLInputElement | HTMLTextAreaElement | null>): string {
  return input.current?.value ?? "";
}

/** Once shows something that is shown this once: a new key, a one-time password. */
export function Once({ value, children, close }: { value: string; children: ReactNode; close: () => void }) {
  return (
    <div className="once">
      <div>{children}</div>
      <code data-secret className="big">{value}</code>
      <Group gap="xs" mt="sm">
        <Button variant="default" onClick={() => void copied(value, "It is copied")}>
          Copy
        </Button>
        <Button onClick={close}>I have it</Button>
      </Group>
    </div>
  );
}
