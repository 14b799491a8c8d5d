/** Asks before something that people would not want by accident. */
import { Button, Group, Modal, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { Failed } from "./states";

interface Props {
  opened: boolean;
  title: string;
  action: string;
  children: ReactNode;
  pending: boolean;
  error: unknown;
  onConfirm: () => void;
  onClose: () => void;
}

export function Confirm({ opened, title, action, children, pending, error, onConfirm, onClose }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title={title} centered>
      <Text size="sm" component="div">{children}</Text>
      {error ? <Failed error={error} /> : null}
      <Group justify="flex-end" mt="lg" gap="xs">
        <Button variant="default" onClick={onClose}>Cancel</Button>
        <Button color="red" loading={pending} onClick={onConfirm} data-autofocus>{action}</Button>
      </Group>
    </Modal>
  );
}
