// Before the first test: the page they open.
import { fileURLToPath } from "node:url";
import { build } from "vite";

export default async function setup() {
  const configFile = fileURLToPath(new URL("vite.config.ts", import.meta.url));
  for (const mode of ["production", "development"]) await build({ configFile, mode, logLevel: "warn" });
}
