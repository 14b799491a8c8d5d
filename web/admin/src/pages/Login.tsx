/** Where people come in, and where they go out: a session is over when the server has said so. */
import { Alert, Button, PasswordInput, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useLocation, useNavigate } from "react-router";
import { ApiError, api } from "../api";
import { Card } from "../layout/Card";
import { Failed, Waiting } from "../parts/states";

/** How somebody comes here. */
export interface Coming {
  /** Where they wanted to go, or were. */
  back?: string;
  /** Whose place `back` was: nobody else is led there. */
  user?: string;
  idle?: boolean;
  /** Their session is to be ended yet. */
  leaving?: boolean;
}

export function Login() {
  const coming = (useLocation().state as Coming | null) ?? {};
  return coming.leaving ? <Leave {...coming} /> : <Enter {...coming} />;
}

/** Nothing of the pages is shown any more; that the session goes on is not kept quiet. */
function Leave(coming: Coming) {
  const navigate = useNavigate();
  const ended = useQuery({
    queryKey: ["leaving"],
    queryFn: async () => {
      await api.DELETE("/api/session").catch((error: unknown) => {
        // It was over before.
        if (!(error instanceof ApiError && error.status === 401)) throw error;
      });
      const { leaving: _, ...rest } = coming;
      void navigate("/login", { replace: true, state: rest satisfies Coming });
      return true;
    },
    gcTime: 0,
    // A browser that takes itself for offline must say so, too, not wait.
    networkMode: "always",
  });
  if (!ended.error) return <Card title="Signing out"><Waiting h={80} /></Card>;
  return (
    <Card title="You are not signed out yet">
      <Failed error={ended.error} retry={() => ended.refetch()} />
      <Text size="sm" mt="sm">Whoever opens these pages in this browser would still be you. Do not leave it before you are signed out.</Text>
    </Card>
  );
}

function Enter({ back, user, idle }: Coming) {
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const navigate = useNavigate();
  const cache = useQueryClient();
  const enter = useMutation({
    mutationFn: () => api.POST("/api/session", { body: { username, password } }),
    onSuccess: () => {
      cache.clear();
      void navigate((!user || user === username) && back ? back : "/storage", { replace: true });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    enter.mutate();
  };
  return (
    <Card title="Sign in">
      <form onSubmit={submit}>
        {idle && !enter.error && <Alert color="yellow" mb="sm" role="status">You were signed out because nothing was done for a while.</Alert>}
        {enter.error && <Alert color="red" mb="sm" role="alert">{enter.error.message}</Alert>}
        <TextInput label="Name" autoComplete="username" autoFocus required value={username} onChange={(e) => setUsername(e.currentTarget.value)} />
        <PasswordInput label="Password" autoComplete="current-password" required mt="sm" value={password} onChange={(e) => setPassword(e.currentTarget.value)} />
        <Button type="submit" fullWidth mt="lg" loading={enter.isPending}>Sign in</Button>
      </form>
    </Card>
  );
}
