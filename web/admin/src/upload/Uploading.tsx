/** Uploading from any page that offers it: what is dropped on the page, and the drawer that stays while it is sent. */
import { Center, Overlay, Paper, Text } from "@mantine/core";
import { dropped } from "@strongroom/uploader";
import { createContext, lazy, type ReactNode, Suspense, useContext, useEffect, useMemo, useRef, useState } from "react";
import { useLocation } from "react-router";
import type { Document } from "../api";
import { Boundary } from "../parts/Boundary";
import { Opening } from "../parts/states";

const UploadDrawer = lazy(() => import("./UploadDrawer"));

/** Whose documents a page is about; nobody's: it is asked. `replaces`: the file is the newer version of this one. */
export interface Target { patientId?: string; replaces?: Document }

interface Asked extends Target {
  /** The page that shows the documents afterwards. */
  path: string;
  /** What came last. */
  files: readonly File[];
}

interface Door {
  /** What is dropped from now on is for this, until the answer is called. */
  offer: (target: Target) => () => void;
  open: (target: Target) => void;
  /** The drawer is there: another target would take what is in it away. */
  isOpen: boolean;
}

const Context = createContext<Door>({ offer: () => () => undefined, open: () => undefined, isOpen: false });
export const useUploading = () => useContext(Context);

const BLUR = { backdropFilter: "blur(2px)" };

export function Uploading({ children }: { children: ReactNode }) {
  const { pathname } = useLocation();
  const [asked, setAsked] = useState<Asked>();
  const target = useRef<Target>(undefined);
  const path = useRef(pathname);
  path.current = pathname;
  const isOpen = asked !== undefined;
  const ways = useMemo(() => ({
    offer: (of: Target) => {
      target.current = of;
      return () => { if (target.current === of) target.current = undefined; };
    },
    open: (of: Target) => setAsked({ ...of, path: path.current, files: [] }),
  }), []);
  const door = useMemo<Door>(() => ({ ...ways, isOpen }), [ways, isOpen]);
  const take = (files: readonly File[], of: Target | undefined) =>
    setAsked((open) => (open ? { ...open, files } : of && { ...of, path: path.current, files }));
  const over = useDrops(() => asked !== undefined || target.current !== undefined, (data) => {
    // Whose they are is what the page said when they were let go.
    const of = target.current;
    void dropped(data).then((files) => { if (files.length > 0) take(files, of); });
  });
  return (
    <Context value={door}>
      {asked && (
        <Boundary of={asked.path}>
          <Suspense fallback={<Opening />}>
            <UploadDrawer {...asked} onClose={() => setAsked(undefined)} />
          </Suspense>
        </Boundary>
      )}
      {over && (
        <Overlay fixed zIndex={1000} backgroundOpacity={0.35} style={BLUR}>
          <Center h="100%" p="md"><Paper p="lg" shadow="md" withBorder><Text fw={600}>Let go to add the files</Text></Paper></Center>
        </Overlay>
      )}
      {children}
    </Context>
  );
}

/** Hears of files that are dragged over the page. Where nobody takes them they must not open in the page's place. */
function useDrops(takes: () => boolean, onDrop: (data: DataTransfer) => void): boolean {
  const [over, setOver] = useState(false);
  const latest = useRef({ takes, onDrop });
  latest.current = { takes, onDrop };
  useEffect(() => {
    const hear = (event: DragEvent) => {
      const data = event.dataTransfer;
      if (!data?.types.includes("Files")) return;
      event.preventDefault();
      const taken = latest.current.takes();
      data.dropEffect = taken ? "copy" : "none";
      // Left is left for good only where nothing else was entered.
      setOver(taken && event.type !== "drop" && !(event.type === "dragleave" && event.relatedTarget === null));
      if (taken && event.type === "drop") latest.current.onDrop(data);
    };
    const names = ["dragenter", "dragover", "dragleave", "drop"] as const;
    for (const name of names) window.addEventListener(name, hear);
    return () => { for (const name of names) window.removeEventListener(name, hear); };
  }, []);
  return over;
}
