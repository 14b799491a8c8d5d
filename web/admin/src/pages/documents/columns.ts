/** The columns of the list beside the name, and which of them somebody wants to see. */
import { useLocalStorage } from "@mantine/hooks";

export const COLUMNS = {
  patient: "Patient",
  category: "Category",
  state: "State",
  size: "Size",
  created: "Uploaded",
  uploader: "By",
  release: "For the patient",
  type: "Type",
} as const;

/** Of lists that are about one thing: always there, and nowhere else. */
export const OWN = {
  found: "What was found",
  deleted: "In the trash since",
  erasure: "Will be erased",
  reason: "Why it is held",
  held: "Held since",
} as const;

export type Chosen = keyof typeof COLUMNS;
export type Own = keyof typeof OWN;
export type Column = Chosen | Own;
export const HEADINGS: Record<Column, string> = { ...COLUMNS, ...OWN };
const USUAL: Chosen[] = ["patient", "category", "state", "size", "created"];

/** Kept in this browser: it says nothing of any document. */
export function useColumns(): [Chosen[], (columns: Chosen[]) => void] {
  const [chosen, choose] = useLocalStorage<Chosen[]>({ key: "strongroom-columns", defaultValue: USUAL, getInitialValueInEffect: false });
  const known = (Object.keys(COLUMNS) as Chosen[]).filter((column) => chosen.includes(column));
  return [known, choose];
}
