/** A PDF, page by page on a canvas: its scripts do not run. */
import { Alert, Box, Button, Group, Stack, Text } from "@mantine/core";
import { GlobalWorkerOptions, getDocument, type PDFDocumentProxy } from "pdfjs-dist";
import worker from "pdfjs-dist/build/pdf.worker.min.mjs?url";
import jbig2 from "pdfjs-dist/wasm/jbig2.wasm?url";
import openjpeg from "pdfjs-dist/wasm/openjpeg.wasm?url";
import qcms from "pdfjs-dist/wasm/qcms_bg.wasm?url";
import { useEffect, useRef, useState } from "react";
import { answerOf } from "../../api";
import { Failed, Waiting } from "../../parts/states";
import type { Shown } from "./Preview";

GlobalWorkerOptions.workerSrc = worker;

/** Up to this a PDF is read at once: one look is one event of the trail. Larger ones come in pieces. */
const AT_ONCE = 20e6;
const PIECE = 1 << 20;
/** The fonts that a PDF may leave out: it looks the same wherever it is read. */
const FONTS = import.meta.glob<string>("../../../../node_modules/pdfjs-dist/standard_fonts/*.{pfb,ttf}", { query: "?url", import: "default", eager: true });
const FONT_FILES = Object.entries(FONTS).map(([path, url]) => [path.slice(path.lastIndexOf("/") + 1), url]);
/** Scans are unpacked by the others. */
const FILES: Record<string, string> = { "jbig2.wasm": jbig2, "openjpeg.wasm": openjpeg, "qcms_bg.wasm": qcms, ...Object.fromEntries(FONT_FILES) };

class Files {
  async fetch({ filename }: { filename: string }): Promise<Uint8Array> {
    const url = FILES[filename];
    if (!url) throw new Error(`${filename} is not here`);
    return new Uint8Array(await (await answerOf(fetch(url))).arrayBuffer());
  }
}

export default function Pdf({ document, url }: Shown) {
  const [pdf, setPdf] = useState<PDFDocumentProxy>();
  const [problem, setProblem] = useState<Error>();
  const [page, setPage] = useState(1);
  const [tries, setTries] = useState(0);
  const whole = document.size <= AT_ONCE;
  useEffect(() => {
    let over = false;
    setProblem(undefined);
    setPdf(undefined);
    const open = async () => {
      const source = whole ? { data: await (await answerOf(fetch(url))).arrayBuffer() } : { url, rangeChunkSize: PIECE, disableAutoFetch: true, disableStream: true };
      if (over) return;
      const loading = getDocument({ ...source, BinaryDataFactory: Files, useSystemFonts: false, isEvalSupported: false, enableXfa: false });
      close = () => void loading.destroy();
      setPdf(await loading.promise);
    };
    let close = () => {};
    open().catch((error: Error) => over || setProblem(error));
    return () => { over = true; close(); };
  }, [url, whole, tries]);
  if (problem?.name === "PasswordException") return <Alert variant="light" color="gray">This PDF asks for a password. Download it to open it.</Alert>;
  if (problem?.name === "InvalidPDFException") return <Alert variant="light" color="gray">This PDF cannot be shown here. Download it to open it.</Alert>;
  if (problem) return <Failed error={problem} retry={() => setTries(tries + 1)} />;
  if (!pdf) return <Waiting />;
  return (
    <Stack gap="xs">
      <Page pdf={pdf} number={page} name={document.filename} onProblem={setProblem} />
      {pdf.numPages > 1 && (
        <Group justify="center" gap="xs">
          <Button size="compact-sm" variant="default" disabled={page === 1} onClick={() => setPage(page - 1)}>Back</Button>
          <Text size="sm" role="status">{page} of {pdf.numPages}</Text>
          <Button size="compact-sm" variant="default" disabled={page === pdf.numPages} onClick={() => setPage(page + 1)}>Next</Button>
        </Group>
      )}
    </Stack>
  );
}

function Page({ pdf, number, name, onProblem }: { pdf: PDFDocumentProxy; number: number; name: string; onProblem: (problem: Error) => void }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let over = false;
    let cancel = () => {};
    void pdf.getPage(number).then((page) => {
      const target = canvas.current;
      if (over || !target) return;
      const width = target.parentElement?.clientWidth ?? 500;
      const viewport = page.getViewport({ scale: (width / page.getViewport({ scale: 1 }).width) * window.devicePixelRatio });
      target.width = viewport.width;
      target.height = viewport.height;
      const drawing = page.render({ canvas: target, viewport });
      cancel = () => drawing.cancel();
      drawing.promise.then(() => { target.dataset.drawn = String(number); }, (error: Error) => over || onProblem(error));
    }).catch((error: Error) => over || onProblem(error));
    return () => { over = true; cancel(); };
  }, [pdf, number, onProblem]);
  return <Box><canvas ref={canvas} role="img" aria-label={`${name}, page ${number}`} style={{ width: "100%", borderRadius: 4, background: "#fff", border: "1px solid var(--mantine-color-default-border)" }} /></Box>;
}
