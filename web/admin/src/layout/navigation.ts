import { IconBiohazard, IconFiles, IconGavel, IconHistory, IconHome, IconSettings, IconStethoscope, IconTrash, IconUsers, type Icon } from "@tabler/icons-react";
import type { Role } from "../session";

/** A page in the navigation and the roles it is offered to; the server decides what they see. */
export interface Section {
  path: string;
  name: string;
  icon: Icon;
  roles: Role[];
}

const WORKERS: Role[] = ["admin", "clinician", "staff"];

/** Everybody begins at the first of theirs. */
export const sections: Section[] = [
  { path: "/storage", name: "Overview", icon: IconHome, roles: ["admin"] },
  { path: "/storage/documents", name: "Documents", icon: IconFiles, roles: WORKERS },
  { path: "/storage/mine", name: "My documents", icon: IconFiles, roles: ["patient"] },
  { path: "/storage/patients", name: "Patients", icon: IconUsers, roles: WORKERS },
  { path: "/storage/quarantine", name: "Quarantine", icon: IconBiohazard, roles: ["admin"] },
  { path: "/storage/holds", name: "Legal holds", icon: IconGavel, roles: ["admin"] },
  { path: "/storage/trash", name: "Trash", icon: IconTrash, roles: WORKERS },
  { path: "/storage/audit", name: "Audit", icon: IconHistory, roles: ["admin", "auditor"] },
  { path: "/storage/settings", name: "Settings", icon: IconSettings, roles: ["admin"] },
  { path: "/test/s3", name: "Self-test", icon: IconStethoscope, roles: ["admin"] },
];

export function sectionsOf(roles: readonly string[]): Section[] {
  return sections.filter((section) => section.roles.some((role) => roles.includes(role)));
}
