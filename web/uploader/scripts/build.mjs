// Builds dist/: modules and types as they are written (tree-shakeable), the styles, and the one-file
// bundle of the custom elements. Tells the sizes of what a page loads.
import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, rmSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const run = (program, ...args) => execFileSync(program, args, { stdio: "inherit" });

rmSync("dist", { recursive: true, force: true });
run("npx", "tsc", "-p", "tsconfig.build.json");
rmSync("dist/elements.js");
copyFileSync("src/style.css", "dist/style.css");
await build({ configFile: "vite.elements.config.ts", logLevel: "warn" });

// Nothing is beside the one file but its own map.
rmSync("dist/assets", { recursive: true, force: true });
for (const file of ["elements.js", "style.css"]) {
  const bytes = readFileSync(`dist/${file}`);
  const kb = (n) => `${(n / 1000).toFixed(1)} kB`;
  console.log(`dist/${file}  ${kb(bytes.length)}, ${kb(gzipSync(bytes, { level: 9 }).length)} gzip`);
}
