/** What is set up: who may sign in and call, who is told, and what the operator decided. */
import { Tabs, Title } from "@mantine/core";
import { lazy, Suspense, useEffect, useRef } from "react";
import { useNavigate, useParams } from "react-router";
import { Waiting } from "../../parts/states";
import { Keys } from "./Keys";
import { Users } from "./Users";

const rest = () => import("./Configured");
const tabs = {
  users: ["Users", Users],
  keys: ["API keys", Keys],
  webhooks: ["Webhooks", lazy(() => import("./Webhooks"))],
  categories: ["Categories", lazy(() => rest().then((m) => ({ default: m.Categories })))],
  storage: ["Storage", lazy(() => rest().then((m) => ({ default: m.Storage })))],
  policy: ["Policy", lazy(() => rest().then((m) => ({ default: m.Policy })))],
} as const;
type Tab = keyof typeof tabs;

export default function Settings() {
  const navigate = useNavigate();
  const asked = useParams()["*"] ?? "";
  const tab: Tab = asked in tabs ? (asked as Tab) : "users";
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => list.current?.querySelector("[data-active]")?.scrollIntoView({ inline: "center", block: "nearest" }), [tab]);
  return (
    <>
      <Title order={1} size="h2" mb="md">Settings</Title>
      <Tabs value={tab} onChange={(to) => void navigate(`/storage/settings/${to}`)} keepMounted={false}>
        {/* On a small screen they are pushed to the side. */}
        <Tabs.List ref={list} mb="md" style={{ flexWrap: "nowrap", overflowX: "auto", overflowY: "hidden" }}>
          {Object.entries(tabs).map(([name, [label]]) => <Tabs.Tab key={name} value={name} style={{ flexShrink: 0 }}>{label}</Tabs.Tab>)}
        </Tabs.List>
        {Object.entries(tabs).map(([name, [, Page]]) => <Tabs.Panel key={name} value={name}><Suspense fallback={<Waiting />}><Page /></Suspense></Tabs.Panel>)}
      </Tabs>
    </>
  );
}
