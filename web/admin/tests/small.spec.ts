import { expect, test } from "@playwright/test";
import { cell } from "../src/pages/audit/csv";
import { decode } from "../src/pages/documents/decode";
import { Names } from "../src/pages/documents/zip";

test("two files of one name get two names in a ZIP, and no name leads out of its folder", () => {
  const names = new Names();
  expect(["scan.pdf", "Scan.pdf", "scan.pdf", "../../etc/passwd", "", "no-ending", "no-ending"].map((name) => names.free(name)))
    .toEqual(["scan.pdf", "Scan (2).pdf", "scan (3).pdf", "__.._etc_passwd", "document", "no-ending", "no-ending (2)"]);
});

test("a cell of the trail is quoted where it has to be, and is no formula", () => {
  expect([null, undefined, 7, "plain", 'a "quoted", one', "two\nlines", '=HYPERLINK("http://x")', "-1+1", "@sum"].map(cell))
    .toEqual(["", "", "7", "plain", '"a ""quoted"", one"', '"two\nlines"', '"\'=HYPERLINK(""http://x"")"', "'-1+1", "'@sum"]);
});

test("a text is read as it was written: UTF-8, also cut within a letter, else as Windows writes it", () => {
  const bytes = (of: Buffer) => new Uint8Array(of).buffer;
  const utf8 = Buffer.from("Müller, Żółć, 10 €");
  expect(decode(bytes(utf8))).toBe("Müller, Żółć, 10 €");
  expect(decode(bytes(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), utf8])))).toBe("Müller, Żółć, 10 €");
  expect(decode(bytes(utf8.subarray(0, 2)), true)).toBe("M");
  expect(decode(bytes(Buffer.from("M\xfcller", "latin1")))).toBe("Müller");
  expect(decode(bytes(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from("Müller", "utf16le")])))).toBe("Müller");
});
