import { IconBiohazard, IconFiles, IconHistory, IconHome, IconSettings, IconTrash, type Icon } from "@tabler/icons-react";
import type { Role } from "../session";

/** A page in the navigation and the roles it is offered to; the server decides what they see. */
export interface Section {
  path: string;
  name: string;
  icon: Icon;
  roles: Role[];
}

const WORKERS: Role[] = ["admin", "clinician", "staff"];

export const sections: Section[] = [
  { path: "/storage", name: "Overview", icon: IconHome, roles: WORKERS },
  { path: "/storage/documents", name: "Documents", icon: IconFiles, roles: WORKERS },
  { path: "/storage/mine", name: "My documents", icon: IconFiles, roles: ["patient"] },
  { path: "/storage/quarantine", name: "Quarantine", icon: IconBiohazard, roles: ["admin"] },
  { path: "/storage/trash", name: "Trash", icon: IconTrash, roles: WORKERS },
  { path: "/storage/audit", name: "Audit", icon: IconHistory, roles: ["admin", "auditor"] },
  { path: "/storage/settings", name: "Settings", icon: IconSettings, roles: ["admin"] },
];
