import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

// The page of tests/page, built as an app would build it.
export default defineConfig({
  root: fileURLToPath(new URL("page", import.meta.url)),
  build: {
    outDir: fileURLToPath(new URL("../../../target/web-tests/uploader-page", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    rolldownOptions: {
      onLog: (level, log, tell) => log.code !== "MODULE_LEVEL_DIRECTIVE" && tell(level, log),
    },
  },
});
