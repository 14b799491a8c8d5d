/** What needs a person: each line says what it is and leads to where something can be done. */
import { Anchor, Card, Group, Skeleton, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconAlertTriangle, IconCircleCheck } from "@tabler/icons-react";
import { Link } from "react-router";
import { api, data, type Schemas } from "../../api";
import { Failed } from "../../parts/states";
import { useConfig, useReady, useStorage } from "./queries";

const DAY = 86_400_000;
/** Keys that end within so many days are told of. */
const SOON = 14;
/** So many in the queue are more than a scanner's usual turn. */
const QUEUE = 20;

interface Matter { text: string; to: string; bad: boolean }

export function Attention({ stats }: { stats: Schemas["StatsJson"] }) {
  const { matters, pending, failed, retry } = useMatters(stats);
  return (
    <Card withBorder padding="sm" component="section" aria-label="Needs attention">
      <Title order={2} size="h5" mb="xs">Needs attention</Title>
      {pending && <Skeleton h={22} />}
      {!pending && matters.length === 0 && !failed && <Group gap="xs"><ThemeIcon size="sm" variant="light" color="teal"><IconCircleCheck size={14} /></ThemeIcon><Text size="sm">Nothing does.</Text></Group>}
      <Stack gap={6}>
        {!pending && matters.map(({ text, to, bad }) => (
          <Group key={text} gap="xs" wrap="nowrap">
            <ThemeIcon size="sm" variant="light" color={bad ? "red" : "yellow"}><IconAlertTriangle size={14} aria-label={bad ? "serious" : "to look at"} /></ThemeIcon>
            <Anchor component={Link} to={to} size="sm" style={{ overflowWrap: "anywhere" }}>{text}</Anchor>
          </Group>
        ))}
        {failed && <Failed error={new Error(`Not everything could be looked at: ${failed.message}`)} retry={retry} />}
      </Stack>
    </Card>
  );
}

/** That nothing needs attention is said only when everything was asked. */
function useMatters(stats: Schemas["StatsJson"]) {
  const asked = [
    useReady(), useConfig(), useStorage(),
    useQuery({ queryKey: ["webhooks"], queryFn: () => data(api.GET("/api/webhooks")) }),
    useQuery({ queryKey: ["keys"], queryFn: () => data(api.GET("/api/keys")) }),
    useQuery({ queryKey: ["users"], queryFn: () => data(api.GET("/api/users")) }),
  ] as const;
  const [{ data: ready }, { data: config }, { data: storage }, { data: hooks }, { data: keys }, { data: users }] = asked;
  const count = (state: string) => stats.byState.find((one) => one.state === state)?.count ?? 0;
  const found: Matter[] = [];
  const say = (when: unknown, bad: boolean, text: string, to: string) => { if (when) found.push({ text, to, bad }); };
  const settings = (tab: string) => `/storage/settings/${tab}`;
  say(ready && ready.database.status !== "ok", true, "The database cannot be reached", settings("storage"));
  say(storage && !storage.usable, true, `The object store cannot be used: ${storage?.reason ?? "see the log"}`, settings("storage"));
  say(ready && ready.scanner.status !== "ok", true, "The scanner does not answer, or gave no verdict for a day: uploads wait for it", "/storage/documents?state=scanning");
  say(count("quarantined"), true, `${plural(count("quarantined"), "document")} in quarantine`, "/storage/quarantine");
  say(count("scanning") > QUEUE, false, `${plural(count("scanning"), "document")} wait for the scanner`, "/storage/documents?state=scanning&sort=created");
  say(config?.upkeep?.problem, true, `Upkeep could not be done: ${config?.upkeep?.problem ?? ""}`, settings("storage"));
  const failed = config?.upkeep?.tasks.filter((task) => task.failed > 0) ?? [];
  say(failed.length, false, `Upkeep left ${plural(failed.reduce((sum, task) => sum + task.failed, 0), "thing")} undone (${failed.map(({ task }) => task).join(", ")})`, settings("storage"));
  for (const hook of hooks?.items ?? []) {
    say(!hook.enabled && hook.disabledReason !== "by hand", true, `A webhook was switched off: ${hook.url}`, settings("webhooks"));
    say(hook.enabled && hook.failingSince, false, `A webhook takes no messages: ${hook.url}`, settings("webhooks"));
  }
  const ending = (keys?.keys ?? []).filter(({ state, expiresAt }) => state === "valid" && expiresAt && Date.parse(expiresAt) - Date.now() < SOON * DAY);
  for (const key of ending) say(true, false, `The API key “${key.name}” ends soon`, settings("keys"));
  const locked = (users?.users ?? []).filter(({ lockedUntil }) => lockedUntil && Date.parse(lockedUntil) > Date.now());
  for (const user of locked) say(true, false, `${user.name} is locked after wrong passwords`, settings("users"));
  const wrong = asked.filter(({ error }) => error);
  return {
    matters: found,
    pending: asked.some(({ isPending }) => isPending),
    failed: wrong[0]?.error ?? undefined,
    retry: () => Promise.all(wrong.map(({ refetch }) => refetch())),
  };
}

function plural(count: number, word: string): string {
  return `${count.toLocaleString()} ${word}${count === 1 ? "" : "s"}`;
}
