import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** What the pages are made of goes with its licences. */
const LICENSES = "assets/licenses.md";

/** The decoders and fonts of PDF.js are files beside it, each with a licence of its own. */
function licensesBeside(): Plugin {
  return {
    name: "licenses-beside",
    closeBundle() {
      for (const part of ["wasm", "standard_fonts"]) {
        const folder = new URL(`../node_modules/pdfjs-dist/${part}/`, import.meta.url);
        for (const name of readdirSync(folder).filter((one) => one.startsWith("LICENSE_"))) {
          appendFileSync(fileURLToPath(new URL(`dist/${LICENSES}`, import.meta.url)), `\n## pdfjs-dist/${part}/${name}\n\n${readFileSync(new URL(name, folder), "utf8")}\n`);
        }
      }
    },
  };
}

// The server answers every page of the app with index.html and keeps /assets for a year.
export default defineConfig({
  plugins: [react(), licensesBeside()],
  build: {
    target: "es2022",
    outDir: "dist",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    license: { fileName: LICENSES },
  },
  server: {
    proxy: { "/api": "http://127.0.0.1:8080", "/readyz": "http://127.0.0.1:8080" },
  },
});
