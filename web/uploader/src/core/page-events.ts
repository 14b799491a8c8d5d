// What the page around an uploader goes through: its connection comes and goes, and people leave it.

/** Tells of it until the answer is called. Before a page goes that is sending the browser asks. */
export function watchPage(of: { connectionChanged: () => void; isSending: () => boolean }): () => void {
  const leaving = (event: BeforeUnloadEvent) => {
    if (of.isSending()) event.preventDefault();
  };
  window.addEventListener("online", of.connectionChanged);
  window.addEventListener("offline", of.connectionChanged);
  window.addEventListener("beforeunload", leaving);
  return () => {
    window.removeEventListener("online", of.connectionChanged);
    window.removeEventListener("offline", of.connectionChanged);
    window.removeEventListener("beforeunload", leaving);
  };
}
