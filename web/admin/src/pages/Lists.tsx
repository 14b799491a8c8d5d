/** Lists of documents that need looking after. */
import { Empty } from "../parts/states";
import { DocumentList } from "./documents/Documents";

export function Trash() {
  return <DocumentList title="Trash" fixed={{ state: "deleted" }} empty={<Empty title="The trash is empty">Documents that are deleted wait here before they are erased.</Empty>} />;
}

export function Quarantine() {
  return <DocumentList title="Quarantine" fixed={{ state: "quarantined" }} empty={<Empty title="Nothing is in quarantine">What the scanner does not let pass is kept here, out of everybody&rsquo;s reach.</Empty>} />;
}

export function Mine() {
  return <DocumentList title="My documents" fixed={{ state: "available" }} empty={<Empty title="No documents yet">What your clinic releases to you will stand here.</Empty>} />;
}
