import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { Problem } from "./problem";

/** Confirm asks once more; with a name, it has to be typed: for what cannot be undone. */
export function Confirm({ opened, close, title, children, name, action, run, calm }: { opened: boolean; close: () => void; title: string; children: ReactNode; name?: string; action: string; run: () => Promise<unknown>; calm?: boolean }) {
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    if (opened) {
      setTyped("");
      setError(null);
    }
  }, [opened]);
  const go = async () => {
    setBusy(true);
    setError(null);
    try {
      await run();
      close();
    } catch (e) {
      setError(e);
    } finally {
      setBusy(false);
    }
  };
  const off = name !== undefined && typed !== name;
  return (
    <Modal opened={opened} onClose={close} title={title}>
      <Stack
        gap="sm"
        component="form"
        onSubmit={(e: FormEvent) => {
          e.preventDefault();
          e.stopPropagation(); // it may stand in another form
          if (!off) void go();
        }}
      >
        <div>{children}</div>
        {name && <TextInput label={`Type ${name} to confirm`} value={typed} onChange={(e) => setTyped(e.currentTarget.value)} autoComplete="off" data-autofocus />}
        {error ? <Problem error={error} /> : null}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" color={calm ? undefined : "red"} loading={busy} disabled={off}>
            {action}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
