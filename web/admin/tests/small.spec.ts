import { expect, test } from "@playwright/test";
import { cell } from "../src/pages/audit/csv";
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
