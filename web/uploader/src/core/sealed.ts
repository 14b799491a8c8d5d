// What a sealed file is called; without the code that seals, which is loaded when it is wanted.

/** The media type of a file that was sealed with age. */
export const SEALED = "application/vnd.age";
const ENDING = ".age";

/** `letter.pdf.age` of `letter.pdf`. */
export const sealedName = (name: string) => name + ENDING;
