import { defineConfig } from "vite";

// As the README says it: what is bundled ahead would lose the worker that stands beside its module.
export default defineConfig({
  optimizeDeps: {
    exclude: ["@strongroom/uploader"],
    include: ["@strongroom/uploader > @uppy/core", "@strongroom/uploader > @uppy/aws-s3"],
  },
  build: { target: "es2022" },
});
