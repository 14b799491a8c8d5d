import { Tabs, Title } from "@mantine/core";
import { useNavigate, useParams } from "react-router";
import { Keys } from "./Keys";
import { Users } from "./Users";

const tabs = { users: ["Users", Users], keys: ["API keys", Keys] } as const;
type Tab = keyof typeof tabs;

export default function Settings() {
  const navigate = useNavigate();
  const asked = useParams()["*"] ?? "";
  const tab: Tab = asked in tabs ? (asked as Tab) : "users";
  return (
    <>
      <Title order={1} size="h2" mb="md">Settings</Title>
      <Tabs value={tab} onChange={(to) => void navigate(`/storage/settings/${to}`)} keepMounted={false}>
        <Tabs.List mb="md">
          {Object.entries(tabs).map(([name, [label]]) => <Tabs.Tab key={name} value={name}>{label}</Tabs.Tab>)}
        </Tabs.List>
        {Object.entries(tabs).map(([name, [, Page]]) => <Tabs.Panel key={name} value={name}><Page /></Tabs.Panel>)}
      </Tabs>
    </>
  );
}
