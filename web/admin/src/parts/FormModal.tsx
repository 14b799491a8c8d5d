/** A small form over the page: it keeps what was typed when the server says no, and when somebody clicks beside it. */
import { Button, Group, Modal, Stack } from "@mantine/core";
import type { FormEvent, ReactNode } from "react";
import { fieldErrors } from "../api";
import { Failed } from "./states";
import { useFocusBack } from "./useFocusBack";

interface Props {
  title: string;
  action: string;
  opened?: boolean;
  mutation: { mutate: () => void; reset: () => void; isPending: boolean; error: unknown };
  onClose: () => void;
  children: ReactNode;
}

export function FormModal({ title, action, opened = true, mutation, onClose, children }: Props) {
  useFocusBack();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    mutation.mutate();
  };
  const close = () => {
    mutation.reset();
    onClose();
  };
  const general = mutation.error && Object.keys(fieldErrors(mutation.error)).length === 0;
  return (
    <Modal opened={opened} onClose={close} title={title} centered closeOnClickOutside={false} closeButtonProps={{ "aria-label": "Close" }}>
      <form onSubmit={submit}>
        <Stack>
          {general ? <Failed error={mutation.error} /> : null}
          {children}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>Cancel</Button>
            <Button type="submit" loading={mutation.isPending}>{action}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
