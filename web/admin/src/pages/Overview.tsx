import { Title } from "@mantine/core";

export default function Overview() {
  return <Title order={1} size="h2">Overview</Title>;
}
