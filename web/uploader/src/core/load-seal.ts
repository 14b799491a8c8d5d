// How the code that seals is found: beside this module, loaded when it is wanted, which bundlers understand. The
// one-file bundle puts another way in this place (vite.elements.config.ts).

export const loadSeal = () => import("../seal.js");
