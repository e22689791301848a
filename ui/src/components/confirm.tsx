import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { type ReactNode, useEffect, useState } from "react";
import { Problem } from "./problem";

/** Confirm asks once more; with a name, it has to be typed: for what cannot be undone. */
export function Confirm({ opened, close, title, children, name, action, run }: { opened: boolean; close: () => void; title: string; children: ReactNode; name?: string; action: string; run: () => Promise<unknown> }) {
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
  return (
    <Modal opened={opened} onClose={close} title={title}>
      <Stack gap="sm">
        <div>{children}</div>
        {name && <TextInput label={`Type ${name} to confirm`} value={typed} onChange={(e) => setTyped(e.currentTarget.value)} autoComplete="off" data-autofocus />}
        {error ? <Problem error={error} /> : null}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button color="red" loading={busy} disabled={name !== undefined && typed !== name} onClick={() => void go()}>
            {action}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
