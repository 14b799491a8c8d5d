/** What is set up: who may sign in and call, who is told, and what the operator decided. */
import { Box, Tabs, Title } from "@mantine/core";
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

const ASIDE = { overflowX: "auto", overflowY: "hidden" } as const;
/** As wide as its tabs, so that the line under them is, too. */
const ROW = { flexWrap: "nowrap", minWidth: "max-content" } as const;

export default function Settings() {
  const navigate = useNavigate();
  const asked = useParams()["*"] ?? "";
  const tab: Tab = asked in tabs ? (asked as Tab) : "users";
  const list = useRef<HTMLDivElement>(null);
  // What it gives back, in newer browsers a promise, is nothing for an effect to end with.
  useEffect(() => {
    void list.current?.querySelector("[data-active]")?.scrollIntoView({ inline: "center", block: "nearest" });
  }, [tab]);
  return (
    <>
      <Title order={1} size="h2" mb="md">Settings</Title>
      <Tabs value={tab} onChange={(to) => void navigate(`/storage/settings/${to}`)} keepMounted={false}>
        {/* On a small screen they are pushed to the side. */}
        <Box ref={list} mb="md" style={ASIDE}>
          <Tabs.List style={ROW}>
            {Object.entries(tabs).map(([name, [label]]) => <Tabs.Tab key={name} value={name}>{label}</Tabs.Tab>)}
          </Tabs.List>
        </Box>
        {Object.entries(tabs).map(([name, [, Page]]) => <Tabs.Panel key={name} value={name}><Suspense fallback={<Waiting />}><Page /></Suspense></Tabs.Panel>)}
      </Tabs>
    </>
  );
}
