import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The server answers every page of the app with index.html and keeps /assets for a year.
export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    outDir: "dist",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: {
    proxy: { "/api": "http://127.0.0.1:8080", "/readyz": "http://127.0.0.1:8080" },
  },
});
