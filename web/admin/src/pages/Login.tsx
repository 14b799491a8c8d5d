import { Alert, Button, PasswordInput, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useLocation, useNavigate } from "react-router";
import { api } from "../api";
import { Card } from "../layout/Card";

export function Login() {
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const navigate = useNavigate();
  const cache = useQueryClient();
  const place = useLocation() as { state?: { back?: string; idle?: boolean } | null };
  const enter = useMutation({
    mutationFn: () => api.POST("/api/session", { body: { username, password } }),
    onSuccess: () => {
      cache.clear();
      void navigate(place.state?.back ?? "/storage", { replace: true });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    enter.mutate();
  };
  return (
    <Card title="Sign in">
      <form onSubmit={submit}>
        {place.state?.idle && !enter.error && <Alert color="yellow" mb="sm" role="status">You were signed out because nothing was done for a while.</Alert>}
        {enter.error && <Alert color="red" mb="sm" role="alert">{enter.error.message}</Alert>}
        <TextInput label="Name" autoComplete="username" autoFocus required value={username} onChange={(e) => setUsername(e.currentTarget.value)} />
        <PasswordInput label="Password" autoComplete="current-password" required mt="sm" value={password} onChange={(e) => setPassword(e.currentTarget.value)} />
        <Button type="submit" fullWidth mt="lg" loading={enter.isPending}>Sign in</Button>
      </form>
    </Card>
  );
}
