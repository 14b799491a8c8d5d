import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const PAGES = "../../../target/web-tests";

// The page of tests/page, built as an app would build it; and as its author sees it, with React for development, where
// StrictMode mounts everything twice.
export default defineConfig(({ mode }) => ({
  root: here("page"),
  ...(mode === "development" && {
    base: "/development/",
    define: { "process.env.NODE_ENV": '"development"' },
  }),
  build: {
    outDir: here(mode === "development" ? `${PAGES}/uploader-page-development/development` : `${PAGES}/uploader-page`),
    emptyOutDir: true,
    minify: mode !== "development",
    target: "es2022",
    rolldownOptions: {
      onLog: (level, log, tell) => log.code !== "MODULE_LEVEL_DIRECTIVE" && tell(level, log),
    },
  },
}));
