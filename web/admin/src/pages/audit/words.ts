/** How an event ended, and its colour. */
export const OUTCOMES: Record<string, string> = { granted: "teal", denied: "red", failed: "orange" };
