// The calls that the guides tell an app to paste, as they stand there. They run in a page of the
// app, which has the variables they use; the app and the server are one origin, and a session's
// cookie says who is calling.

/** A small PDF, made by the test. */
const fileOf = (input) => ({ name: 'blood test.pdf', type: 'application/pdf', data: input.pdf });

/** What the snippets take for granted: the patient, a file chosen by somebody. */
async function prepare(page, input) {
    await page.evaluate(({ name, type, data }) => {
        const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
        window.file = new File([bytes], name, { type });
        window.patientId = '123';
        window.filename = name;
        window.contentType = type;
        window.sameBytes = async (blob) => {
            const got = new Uint8Array(await blob.arrayBuffer());
            return got.length === bytes.length && got.every((byte, i) => byte === bytes[i]);
        };
    }, fileOf(input));
}

/** Presign, PUT, confirm: "Next.js client flow". */
async function clientFlow() {
const r = await fetch('/api/docs/presign-upload', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({ patientId, filename, contentType })
});
const { url, key, headers } = await r.json();

await fetch(url, {
  method: 'PUT',
  headers,            // must include Content-Type
  body: file
});

await fetch('/api/docs/confirm', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({ key, patientId, contentType, size: file.size })
});
return { key, type: headers['Content-Type'] ?? headers['content-type'] };
}

/** The viewer: JSON with a URL, for another tab or an element of the page. */
async function view(id) {
    const answer = await fetch(`/api/docs/${id}/download`);
    const { url } = await answer.json();
    const file = await fetch(url);
    return { status: file.status, same: await window.sameBytes(await file.blob()) };
}

/** A form, as the uploader of the guide sends one; the answer names the key. */
async function uploadForm() {
    const formData = new FormData();
    formData.append('file', window.file);
    formData.append('category', 'lab-results');
    formData.append('entityId', '123');
    formData.append('entityType', 'patient');
    const response = await fetch('/api/v2/aws/s3/upload', { method: 'POST', body: formData });
    return { status: response.status, file: await response.json() };
}

async function presignedDownload(fileKey) {
    const opened = [];
    const window = { open: (...of) => opened.push(of) };
const response = await fetch(`/api/v2/aws/s3/download?key=${fileKey}&presigned=true`);
const { url } = await response.json();
window.open(url, '_blank');
    const got = await fetch(opened[0][0]);
    return { same: await globalThis.sameBytes(await got.blob()) };
}

async function directDownload(fileKey) {
const response = await fetch(`/api/v2/aws/s3/download?key=${fileKey}`);
const blob = await response.blob();
    return { type: blob.type, same: await window.sameBytes(blob) };
}

async function listFiles() {
const response = await fetch('/api/v2/aws/s3/list?prefix=patients/123');
const { files } = await response.json();
    return files;
}

async function deleteFile(fileKey) {
const response = await fetch('/api/v2/aws/s3/delete', {
  method: 'DELETE',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({ key: fileKey }),
});
    return response.status;
}

export async function scenarios(input) {
    const open = async ({ open }) => {
        const page = await open(new URL('/healthz', input.base).href, null, input.cookie);
        await prepare(page, input);
        return page;
    };
    return [
        {
            name: 'presign, put, confirm, view',
            run: async (tools) => {
                const page = await open(tools);
                const sent = await page.evaluate(clientFlow);
                const { id } = await tools.ask('find', { key: sent.key });
                return { ...sent, id, viewed: await page.evaluate(view, id) };
            },
        },
        {
            name: 'upload, list, download, delete by key',
            run: async (tools) => {
                const page = await open(tools);
                const { status, file } = await page.evaluate(uploadForm);
                const key = file.key;
                return {
                    status,
                    key,
                    presigned: await page.evaluate(presignedDownload, key),
                    direct: await page.evaluate(directDownload, key),
                    listed: (await page.evaluate(listFiles)).map((one) => one.key),
                    deleted: await page.evaluate(deleteFile, key),
                    left: (await page.evaluate(listFiles)).map((one) => one.key),
                };
            },
        },
    ];
}
