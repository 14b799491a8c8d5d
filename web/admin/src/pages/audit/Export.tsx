/** Events to be taken away: as a file for a spreadsheet, or on paper, which a browser saves as PDF, too. */
import { Button, Group, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { IconDownload, IconPrinter } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { saveBytes } from "../../parts/save";
import { csv } from "./csv";
import { gather, MOST, type Source } from "./events";
import { type Fact, Report, type Told } from "./Report";

interface Props {
  source: Source;
  /** Of the report, and of both files. */
  title: string;
  about: readonly Fact[];
  size?: "sm" | "xs";
}

export function Export({ source, title, about, size = "sm" }: Props) {
  const [count, setCount] = useState(0);
  const [printed, setPrinted] = useState<Told>();
  const stop = useRef<AbortController>(undefined);
  const make = useMutation({
    mutationFn: async (how: "csv" | "report") => {
      const { signal } = (stop.current = new AbortController());
      setCount(0);
      const found = await gather(source, setCount, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
      if (!found || signal.aborted) return false;
      const at = new Date();
      if (how === "csv") saveBytes(csv(found.events), `${nameOf(title, at).toLowerCase().replaceAll(" ", "-")}.csv`);
      else setPrinted({ ...found, title, about, at });
      return found.cut;
    },
    meta: { reads: true },
  });
  useEffect(() => () => stop.current?.abort(), []);
  useEffect(() => (printed ? print(nameOf(printed.title, printed.at), () => setPrinted(undefined)) : undefined), [printed]);
  const button = { size, variant: "default", disabled: make.isPending };
  return (
    <Group gap="xs">
      {make.error && <Text size="sm" c="var(--mantine-color-red-light-color)" role="alert">{make.error.message}</Text>}
      {make.data && <Text size="sm" role="alert">Only the newest {MOST.toLocaleString()}: narrow the time.</Text>}
      {make.isPending && <Text size="sm" c="dimmed" role="status">{count.toLocaleString()} events</Text>}
      {make.isPending && <Button size={size} variant="default" onClick={() => stop.current?.abort()}>Stop</Button>}
      <Button {...button} leftSection={<IconDownload size={16} />} onClick={() => make.mutate("csv")}>CSV</Button>
      <Button {...button} leftSection={<IconPrinter size={16} />} onClick={() => make.mutate("report")}>Print or save as PDF</Button>
      {printed && <Report {...printed} />}
    </Group>
  );
}

const nameOf = (title: string, at: Date) => `${title} ${at.toISOString().slice(0, 10)}`;

/** Opens the browser's own dialog; the page's title is what it calls the file. */
function print(name: string, onOver: () => void): () => void {
  const title = document.title;
  document.title = name;
  window.addEventListener("afterprint", onOver);
  window.print();
  return () => {
    window.removeEventListener("afterprint", onOver);
    document.title = title;
  };
}
