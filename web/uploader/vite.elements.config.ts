import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// One file for pages without a build: Preact in the place of React, the worker and the styles inside.
export default defineConfig({
  resolve: {
    alias: [
      { find: "react-dom/client", replacement: "preact/compat/client" },
      { find: "react/jsx-runtime", replacement: "preact/jsx-runtime" },
      { find: /^react(-dom)?$/, replacement: "preact/compat" },
      { find: /^\.\/load-seal\.js$/, replacement: here("src/core/load-seal-beside.ts") },
      { find: /^\.\/make-worker\.js$/, replacement: here("src/core/make-worker-inline.ts") },
    ],
  },
  define: { "process.env.NODE_ENV": '"production"' },
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: false,
    sourcemap: true,
    minify: true,
    lib: { entry: here("src/elements/bundle.ts"), formats: ["es"], fileName: () => "elements.js" },
    rolldownOptions: {
      output: { codeSplitting: false },
      // "use client" says nothing to a page without a server.
      onLog: (level, log, tell) => log.code !== "MODULE_LEVEL_DIRECTIVE" && tell(level, log),
    },
  },
});
