// The element that the query names, with the attributes that it gives; and what it tells its page.
window.told = { done: [], failed: [] };
addEventListener("upload-complete", (event) => window.told.done.push(event.detail));
addEventListener("upload-error", (event) => window.told.failed.push(event.detail.error.code));

// As the page of an app that has a dark side; a style in the page itself a strict policy would refuse.
const dark = matchMedia("(prefers-color-scheme: dark)");
const paint = () =>
  Object.assign(document.body.style, dark.matches ? { background: "#10141a", color: "#e7ebf1" } : { background: "", color: "" });
dark.addEventListener("change", paint);
paint();

const { element, strict, ...attributes } = Object.fromEntries(new URLSearchParams(location.search));
if (element) {
  const made = document.createElement(element);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  document.querySelector("main").append(made);
}
