import { IconHome, IconSettings, type Icon } from "@tabler/icons-react";
import type { Role } from "../session";

/** A page in the navigation and the roles it is offered to; the server decides what they see. */
export interface Section {
  path: string;
  name: string;
  icon: Icon;
  roles: Role[];
}

export const sections: Section[] = [
  { path: "/storage", name: "Overview", icon: IconHome, roles: ["admin", "clinician", "staff", "auditor"] },
  { path: "/storage/settings", name: "Settings", icon: IconSettings, roles: ["admin"] },
];
