/** The first user of all. The token stands behind `#`, which the browser sends to nobody. */
import { Alert, Button, PasswordInput, Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useNavigate } from "react-router";
import { api, fieldErrors } from "../api";
import { Card } from "../layout/Card";
import { RULE, useNewPassword } from "../parts/useNewPassword";

export function Setup() {
  const token = window.location.hash.slice(1);
  const [username, setUsername] = useState("");
  const { password, setPassword, again, setAgain, tooShort, differs, ready } = useNewPassword();
  const navigate = useNavigate();
  const create = useMutation({
    mutationFn: () => api.POST("/api/setup", { body: { token, username, password } }),
    onSuccess: () => void navigate("/storage", { replace: true }),
  });
  const fields = fieldErrors(create.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) create.mutate();
  };
  if (!token) {
    return (
      <Card title="Set up">
        <Text size="sm">Open the link that <code>strongroom serve</code> prints when it starts and nobody can sign in yet.</Text>
      </Card>
    );
  }
  return (
    <Card title="Set up">
      <form onSubmit={submit}>
        <Text size="sm" c="dimmed" mb="sm">Make the first administrator of this installation.</Text>
        {create.error && Object.keys(fields).length === 0 && <Alert color="red" mb="sm" role="alert">{create.error.message}</Alert>}
        <TextInput label="Name" autoComplete="username" autoFocus required maxLength={128} value={username} error={fields.name} onChange={(e) => setUsername(e.currentTarget.value)} />
        <PasswordInput label="Password" description={RULE} autoComplete="new-password" required mt="sm" value={password}
          error={tooShort ?? fields.password} onChange={(e) => setPassword(e.currentTarget.value)} />
        <PasswordInput label="The same again" autoComplete="new-password" required mt="sm" value={again}
          error={differs} onChange={(e) => setAgain(e.currentTarget.value)} />
        <Button type="submit" fullWidth mt="lg" loading={create.isPending}>Make the administrator</Button>
      </form>
    </Card>
  );
}
