/** What narrows a list. On a small screen all but the first field opens by a button: the list comes first. */
import { Button, Collapse, Group } from "@mantine/core";
import { useDisclosure, useMediaQuery } from "@mantine/hooks";
import { IconFilter } from "@tabler/icons-react";
import type { ReactNode } from "react";

interface Props {
  first: ReactNode;
  children: ReactNode;
  /** Whether anything is narrowed. */
  any: boolean;
  /** Whether one of those behind the button is. */
  inside: boolean;
  clear: () => void;
}

export function FilterBar({ first, children, any, inside, clear }: Props) {
  const small = useMediaQuery("(max-width: 36em)", false, { getInitialValueInEffect: false });
  const [shown, { toggle }] = useDisclosure(inside);
  const reset = any && <Button variant="subtle" color="gray" px="sm" onClick={clear}>Clear</Button>;
  if (!small) return <Group gap="xs" align="flex-end" mb="sm" role="search">{first}{children}{reset}</Group>;
  return (
    <Group gap="xs" align="flex-end" mb="sm" role="search">
      <Group gap="xs" align="flex-end" wrap="nowrap" w="100%">
        {first}
        <Button variant={inside ? "light" : "default"} px="sm" onClick={toggle} aria-expanded={shown} aria-label="More filters"><IconFilter size={18} /></Button>
      </Group>
      <Collapse expanded={shown} w="100%"><Group gap="xs" align="flex-end">{children}{reset}</Group></Collapse>
    </Group>
  );
}
