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

export type Column = keyof typeof COLUMNS;
const USUAL: Column[] = ["patient", "category", "state", "size", "created"];

/** Kept in this browser: it says nothing of any document. */
export function useColumns(): [Column[], (columns: Column[]) => void] {
  const [chosen, choose] = useLocalStorage<Column[]>({ key: "strongroom-columns", defaultValue: USUAL, getInitialValueInEffect: false });
  const known = (Object.keys(COLUMNS) as Column[]).filter((column) => chosen.includes(column));
  return [known, choose];
}
