/**
 * A small form over the page: it keeps what was typed when the server says no, and when somebody clicks beside it.
 * What the server says of a field that the form does not have is said above all fields.
 */
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
  /** What the form says errors of by itself, as the API calls it. */
  fields?: readonly string[];
  /** There is nothing to send. */
  idle?: boolean;
  children: ReactNode;
}

export function FormModal({ title, action, opened = true, mutation, onClose, fields = [], idle = false, children }: Props) {
  useFocusBack();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    mutation.mutate();
  };
  const close = () => {
    mutation.reset();
    onClose();
  };
  const said = Object.entries(fieldErrors(mutation.error));
  const unclaimed = said.filter(([field]) => !fields.includes(field)).map(([field, text]) => `${field}: ${text}`);
  const general = said.length === 0 ? mutation.error : unclaimed.length > 0 && new Error(unclaimed.join("; "));
  return (
    <Modal opened={opened} onClose={close} title={title} centered closeOnClickOutside={false} closeButtonProps={{ "aria-label": "Close" }}>
      <form onSubmit={submit}>
        <Stack>
          {general ? <Failed error={general} /> : null}
          {children}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>Cancel</Button>
            <Button type="submit" loading={mutation.isPending} disabled={idle}>{action}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
