/** Another password for whoever is signed in: this session goes on, their others end. */
import { Button, Group, Modal, PasswordInput, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, fieldErrors } from "../api";
import { FormModal } from "../parts/FormModal";
import { RULE, useNewPassword } from "../parts/useNewPassword";

const TITLE = "Change my password";

export default function Password({ onClose }: { onClose: () => void }) {
  const [current, setCurrent] = useState("");
  const { password, setPassword, again, setAgain, tooShort, differs, ready } = useNewPassword();
  const change = useMutation({
    mutationFn: () => api.POST("/api/session/password", { body: { current, password } }),
    meta: { reads: true },
  });
  const fields = fieldErrors(change.error);
  if (change.isSuccess) {
    return (
      <Modal opened onClose={onClose} title={TITLE} centered closeButtonProps={{ "aria-label": "Close" }}>
        <Text size="sm" role="status">Your password is changed. Where else you were signed in, you are not any more.</Text>
        <Group justify="flex-end" mt="lg"><Button onClick={onClose} data-autofocus>Done</Button></Group>
      </Modal>
    );
  }
  return (
    <FormModal title={TITLE} action="Change" mutation={change} onClose={onClose} fields={["current", "password"]} idle={!current || !ready}>
      <PasswordInput label="The password you have" autoComplete="current-password" required data-autofocus value={current} error={fields.current} onChange={(e) => setCurrent(e.currentTarget.value)} />
      <PasswordInput label="The new one" description={RULE} autoComplete="new-password" required value={password} error={tooShort ?? fields.password} onChange={(e) => setPassword(e.currentTarget.value)} />
      <PasswordInput label="The new one again" autoComplete="new-password" required value={again} error={differs} onChange={(e) => setAgain(e.currentTarget.value)} />
    </FormModal>
  );
}
