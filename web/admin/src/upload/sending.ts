/** Whether files are on their way from this page: nobody who waits for them has left. */
let drawers = 0;

/** Until the answer is called. */
export function sending(): () => void {
  drawers++;
  return () => void drawers--;
}

export const isSending = () => drawers > 0;
