/** One small task in the middle of an empty page, under the name of what it belongs to. */
import { Box, Center, Group, Paper, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import icon from "../icon.svg";

const GROUND = "light-dark(var(--mantine-color-gray-0), var(--mantine-color-dark-8))";

export function Card({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Center component="main" mih="100dvh" p="md" bg={GROUND}>
      <Box w="100%" maw={400}>
        <Group gap="xs" mb="lg" justify="center">
          <img src={icon} width={34} height={34} alt="" />
          <Text size="xl" fw={650}>Strongroom</Text>
        </Group>
        <Paper withBorder shadow="sm" p={{ base: "lg", xs: "xl" }}>
          <Title order={1} size="h3" mb="md">{title}</Title>
          {children}
        </Paper>
      </Box>
    </Center>
  );
}
