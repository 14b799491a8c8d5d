/** The frame around every page: where one can go, who one is, light or dark. */
import "./shell.css";
import { ActionIcon, AppShell, Burger, Group, Menu, NavLink, Text, useMantineColorScheme } from "@mantine/core";
import { useDisclosure, useDocumentTitle, useMediaQuery } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { IconApi, IconDeviceDesktop, IconKey, IconLicense, IconLogout, IconMoon, IconSun, IconUser } from "@tabler/icons-react";
import { type KeyboardEvent, lazy, type MouseEvent, Suspense, useEffect, useRef, useState } from "react";
import { Link, Outlet, useLocation, useNavigate } from "react-router";
import icon from "../icon.svg";
import { Boundary } from "../parts/Boundary";
import type { Coming } from "../pages/Login";
import { Opening, Waiting } from "../parts/states";
import { useSession } from "../session";
import { Uploading } from "../upload/Uploading";
import { Idle } from "./Idle";
import { sectionsOf } from "./navigation";

/** Where the menu opens by its button. */
const SMALL = "(max-width: 47.99em)";
const SETTINGS = "/storage/settings";
const Password = lazy(() => import("./Password"));

export function Shell() {
  const [open, { toggle, close }] = useDisclosure();
  const menu = useRef<HTMLButtonElement>(null);
  const hidden = useMediaQuery(SMALL, false, { getInitialValueInEffect: false }) && !open;
  const session = useSession();
  const { pathname } = useLocation();
  const escape = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !open || event.defaultPrevented) return;
    close();
    menu.current?.focus();
  };
  const page = sectionsOf(session.roles).findLast(({ path }) => pathname.startsWith(path));
  useDocumentTitle(page ? `${page.name} - Strongroom` : "Strongroom");
  return (
    <AppShell onKeyDown={escape} header={{ height: 52 }} navbar={{ width: 216, breakpoint: "sm", collapsed: { mobile: !open } }} padding="md">
      <a className="skip" href="#page" onClick={skip}>Skip to the page</a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap">
            <Burger ref={menu} opened={open} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Menu" aria-expanded={open} />
            <img src={icon} width={26} height={26} alt="" />
            <Text fw={650}>Strongroom</Text>
          </Group>
          <Group gap="xs" wrap="nowrap"><Scheme /><Account /></Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" component="nav" aria-label="Pages" inert={hidden}>
        {sectionsOf(session.roles).map(({ path, name, icon: Icon }) => (
          <NavLink
            key={path}
            component={Link}
            to={path}
            label={name}
            leftSection={<Icon size={18} stroke={1.6} />}
            active={path === "/storage" ? pathname === path : pathname.startsWith(path)}
            aria-current={pathname === path ? "page" : undefined}
            onClick={close}
          />
        ))}
      </AppShell.Navbar>
      <AppShell.Main id="page" tabIndex={-1}>
        <Uploading><Boundary of={pathname}><Suspense fallback={<Waiting />}><Outlet /><Arrived at={placeOf(pathname)} /></Suspense></Boundary></Uploading>
      </AppShell.Main>
      <Idle />
    </AppShell>
  );
}

/** A link of a page's own would be an address of its own. */
function skip(event: MouseEvent) {
  event.preventDefault();
  document.getElementById("page")?.focus();
}

/** The tabs of the settings are one page. */
const placeOf = (pathname: string) => (pathname.startsWith(SETTINGS) ? SETTINGS : pathname);

/** Who goes to another page by keys or hears it read begins at its heading. It is there when the page is. */
function Arrived({ at }: { at: string }) {
  const before = useRef(at);
  useEffect(() => {
    if (before.current === at) return;
    before.current = at;
    const heading = document.querySelector<HTMLElement>("main h1");
    heading?.setAttribute("tabindex", "-1");
    heading?.focus();
  }, [at]);
  return null;
}

function Scheme() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const next = { auto: "light", light: "dark", dark: "auto" } as const;
  const Icon = { auto: IconDeviceDesktop, light: IconSun, dark: IconMoon }[colorScheme];
  return (
    <ActionIcon variant="subtle" color="gray" size="lg" onClick={() => setColorScheme(next[colorScheme])} aria-label={`Colours: ${colorScheme}; change`}>
      <Icon size={18} stroke={1.6} />
    </ActionIcon>
  );
}

function Account() {
  const { user, roles } = useSession();
  const navigate = useNavigate();
  const cache = useQueryClient();
  const [changing, setChanging] = useState(false);
  // What is shown goes at once; that the session is over is for the page of the log-in to see to.
  const leave = () => {
    cache.clear();
    void navigate("/login", { replace: true, state: { leaving: true } satisfies Coming });
  };
  return (
    <>
    <Menu position="bottom-end" withinPortal={false}>
      <Menu.Target>
        <ActionIcon variant="light" size="lg" radius="xl" aria-label={`Signed in as ${user}`}><IconUser size={18} stroke={1.6} /></ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {/* A menu holds items alone: this is one that does nothing. */}
        <Menu.Label role="menuitem" aria-disabled>{user}: {roles.join(", ")}</Menu.Label>
        <Menu.Item component="a" href="/docs" target="_blank" leftSection={<IconApi size={16} />}>API</Menu.Item>
        <Menu.Item component="a" href="/assets/licenses.md" target="_blank" leftSection={<IconLicense size={16} />}>Licences</Menu.Item>
        <Menu.Item leftSection={<IconKey size={16} />} onClick={() => setChanging(true)}>Change my password</Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={leave}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
    {changing && <Boundary of="password"><Suspense fallback={<Opening />}><Password onClose={() => setChanging(false)} /></Suspense></Boundary>}
    </>
  );
}
