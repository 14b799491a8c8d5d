// Builds dist/: modules and types as they are written (tree-shakeable), the styles, and the one-file
// bundle of the custom elements with the licences of what it carries. Tells the sizes of what a page loads.
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const run = (program, ...args) => execFileSync(program, args, { stdio: "inherit" });

/** The licence of each package that modules come from. */
function licences(modules) {
  const folders = modules.flatMap((id) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []);
  return [...new Set(folders)].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json")));
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
    const text = file ? readFileSync(join(folder, file), "utf8").trim() : "";
    return `${name} ${version}: ${license}\n\n${text}`.trim();
  });
}

rmSync("dist", { recursive: true, force: true });
run("npx", "tsc", "-p", "tsconfig.build.json");
rmSync("dist/elements.js");
copyFileSync("src/style.css", "dist/style.css");
const [{ output }] = await build({ configFile: "vite.elements.config.ts", logLevel: "warn" });
// What seals is a file of its own: pages that do not seal never load it.
const [sealing] = await build({
  configFile: false,
  logLevel: "warn",
  build: {
    target: "es2022",
    emptyOutDir: false,
    sourcemap: true,
    minify: true,
    lib: { entry: "src/seal.ts", formats: ["es"], fileName: () => "elements-seal.js" },
  },
});
const modules = [...output, ...sealing.output].flatMap((chunk) => chunk.moduleIds ?? []);
const rule = `\n\n${"-".repeat(72)}\n\n`;
writeFileSync("dist/elements.licenses.txt", `${licences(modules).join(rule)}\n`);
// Nothing is beside the one file but its own map.
if (existsSync("dist/assets")) rmSync("dist/assets", { recursive: true });

for (const file of ["elements.js", "elements-seal.js", "style.css"]) {
  const bytes = readFileSync(`dist/${file}`);
  const kb = (n) => `${(n / 1000).toFixed(1)} kB`;
  console.log(`dist/${file}  ${kb(bytes.length)}, ${kb(gzipSync(bytes, { level: 9 }).length)} gzip`);
}
