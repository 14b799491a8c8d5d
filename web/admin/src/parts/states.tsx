/** What a page shows while it waits, when something failed, and when there is nothing. */
import { Alert, Button, Center, Loader, Overlay, Skeleton, Stack, Table, Text, ThemeIcon } from "@mantine/core";
import { type Icon, IconAlertCircle } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { ApiError } from "../api";

export function Waiting({ h = 240 }: { h?: number }) {
  return (
    <Center mih={h} role="status" aria-label="Loading">
      <Loader type="dots" />
    </Center>
  );
}

/** Rows that are on their way, for eyes alone: `wide` columns, each row `h` pixels high. */
export function WaitingRows({ rows = 8, wide, h = 22 }: { rows?: number; wide: number; h?: number }) {
  return Array.from({ length: rows }, (_, row) => <Table.Tr key={row} aria-hidden><Table.Td colSpan={wide}><Skeleton h={h} /></Table.Td></Table.Tr>);
}

/** What somebody opened is on its way: a drawer whose script was not asked for before. */
export function Opening() {
  return <Overlay fixed center backgroundOpacity={0.35} role="status" aria-label="Loading"><Loader type="dots" /></Overlay>;
}

/** Says what happened and what can be done; the request's id helps who looks into the log. */
export function Failed({ error, retry }: { error: unknown; retry?: () => unknown }) {
  const [trying, setTrying] = useState(false);
  const again = async () => {
    setTrying(true);
    await retry?.();
    setTrying(false);
  };
  const text = error instanceof Error ? error.message : "Something went wrong.";
  const request = error instanceof ApiError ? error.requestId : undefined;
  return (
    <Alert color="red" icon={<IconAlertCircle />} title="This did not work" role="alert">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{text}</Text>
        {request && <Text size="xs" c="dimmed">Request {request}</Text>}
        {retry && <Button size="xs" variant="default" loading={trying} onClick={() => void again()}>Try again</Button>}
      </Stack>
    </Alert>
  );
}

/** `page`: there is nothing else on the page, so this is its heading. */
export function Empty({ title, icon: Picture, children, page }: { title: string; icon?: Icon; children?: ReactNode; page?: boolean }) {
  return (
    <Stack align="center" gap={4} py={48} px="md">
      {Picture && <ThemeIcon variant="light" color="gray" size={52} radius="xl" mb="xs" aria-hidden><Picture size={26} stroke={1.5} /></ThemeIcon>}
      <Text fw={600} m={0} ta="center" {...(page && { component: "h1" })}>{title}</Text>
      <Text size="sm" c="dimmed" ta="center" maw={420} component="div">{children}</Text>
    </Stack>
  );
}
