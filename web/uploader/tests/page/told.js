// What an element tells its page, for the tests.
window.told = { done: [], failed: [] };
addEventListener("upload-complete", (event) => window.told.done.push(event.detail));
addEventListener("upload-error", (event) => window.told.failed.push(event.detail.error.code));
