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
  color?: string;
}

export function Confirm({ opened, title, action, children, pending, error, onConfirm, onClose, color = "red" }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title={title} centered closeButtonProps={{ "aria-label": "Close" }}>
      <Text size="sm" component="div">{children}</Text>
      {error ? <Failed error={error} /> : null}
      <Group justify="flex-end" mt="lg" gap="xs">
        <Button variant="default" onClick={onClose}>Cancel</Button>
        <Button color={color} loading={pending} onClick={onConfirm} data-autofocus>{action}</Button>
      </Group>
    </Modal>
  );
}
