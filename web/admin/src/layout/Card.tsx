/** One small task in the middle of an empty page. */
import { Center, Group, Paper, Title } from "@mantine/core";
import type { ReactNode } from "react";
import icon from "../icon.svg";

export function Card({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Center component="main" mih="100dvh" p="md">
      <Paper withBorder p="xl" w="100%" maw={400}>
        <Group gap="sm" mb="lg">
          <img src={icon} width={32} height={32} alt="" />
          <Title order={1} size="h3">{title}</Title>
        </Group>
        {children}
      </Paper>
    </Center>
  );
}
