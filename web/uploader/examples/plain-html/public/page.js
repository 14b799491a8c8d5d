const log = document.querySelector("#log");
const uploader = document.querySelector("strongroom-uploader");

uploader.addEventListener("upload-complete", ({ detail }) => {
  log.textContent = `${detail.filename} is document ${detail.id}.`;
});
uploader.addEventListener("upload-error", ({ detail }) => {
  console.error(detail.error.code, detail.file.name);
});
