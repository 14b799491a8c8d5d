/** A PDF, page by page on a canvas: its scripts do not run. */
import { Alert, Box, Button, Group, Stack, Text } from "@mantine/core";
import { GlobalWorkerOptions, getDocument, type PDFDocumentProxy } from "pdfjs-dist";
import worker from "pdfjs-dist/build/pdf.worker.min.mjs?url";
import { useEffect, useRef, useState } from "react";
import { Waiting } from "../../parts/states";

GlobalWorkerOptions.workerSrc = worker;

export default function Pdf({ url }: { url: string }) {
  const [pdf, setPdf] = useState<PDFDocumentProxy>();
  const [problem, setProblem] = useState<string>();
  const [page, setPage] = useState(1);
  useEffect(() => {
    const loading = getDocument({ url, isEvalSupported: false, enableXfa: false, disableAutoFetch: true });
    loading.promise.then(setPdf, (e: Error) => setProblem(e.name === "PasswordException" ? "This PDF asks for a password. Download it to open it." : "This PDF cannot be shown here. Download it to open it."));
    return () => void loading.destroy();
  }, [url]);
  if (problem) return <Alert variant="light" color="gray">{problem}</Alert>;
  if (!pdf) return <Waiting />;
  return (
    <Stack gap="xs">
      <Page pdf={pdf} number={page} />
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

function Page({ pdf, number }: { pdf: PDFDocumentProxy; number: number }) {
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
      drawing.promise.catch(() => undefined);
    });
    return () => { over = true; cancel(); };
  }, [pdf, number]);
  return <Box><canvas ref={canvas} role="img" aria-label={`Page ${number}`} style={{ width: "100%", borderRadius: 4, background: "#fff" }} /></Box>;
}
