// What an app's page does with Uppy. Bundled twice, for version 5 and for version 6 of
// `@uppy/aws-s3`; `window.upload(order)` runs one upload.
import AwsS3 from '@uppy/aws-s3';
import Uppy from '@uppy/core';

const PART = 5 * 1024 * 1024;

/** Text that a seed decides; the test makes the same. */
function textOf(seed, size) {
    const bytes = new Uint8Array(size);
    for (let i = 0; i < size; i += 1) bytes[i] = 97 + ((i * 7 + (i >> 10) + seed) % 26);
    return bytes;
}

/** What the page says about who is uploading, for either version. */
function transport(order) {
    if (order.version === 5) {
        return { endpoint: order.base, headers: order.headers ?? {}, retryDelays: [0, 50] };
    }
    return { companionEndpoint: order.base };
}

/** After each upload: tells the server that it is complete, and learns which document it is. */
function confirming(uppy, order) {
    uppy.addPostProcessor(async (fileIds) => {
        for (const id of fileIds) {
            const { key } = uppy.getFile(id).response?.body ?? {};
            if (!key) continue;
            const answer = await fetch(`${order.base}/s3/confirm`, {
                method: 'POST',
                headers: { 'content-type': 'application/json', ...order.headers },
                body: JSON.stringify({ key }),
            });
            const document = await answer.json();
            if (!answer.ok) throw new Error(document.detail);
            uppy.setFileState(id, { document });
        }
    });
}

/** Pauses after the first part, looks at what is there, and goes on. */
function pauseOnce(uppy, order, seen) {
    uppy.once('s3-multipart:part-uploaded', async (file) => {
        uppy.pauseAll();
        const { uploadId, key } = uppy.getFile(file.id).s3Multipart;
        const path = `${order.base}/s3/multipart/${uploadId}?key=${encodeURIComponent(key)}`;
        const parts = await (await fetch(path, { headers: order.headers })).json();
        seen.atPause = parts.map((part) => part.PartNumber);
        uppy.resumeAll();
    });
}

window.upload = async (order) => {
    const uppy = new Uppy({ allowMultipleUploadBatches: false });
    const seen = {};
    uppy.use(AwsS3, {
        ...transport(order),
        limit: 1,
        shouldUseMultipart: order.multipart,
        getChunkSize: () => PART,
    });
    confirming(uppy, order);
    const { name, type, size, seed } = order.file;
    const data = new File([textOf(seed, size)], name, { type });
    const id = uppy.addFile({ name, type, data, meta: order.meta });
    if (order.restore) uppy.setFileState(id, { s3Multipart: order.restore });
    if (order.pause) pauseOnce(uppy, order, seen);
    uppy.on('upload-error', (file, error) => {
        seen.error = error.message;
    });
    if (order.stopAfterPart) {
        return new Promise((resolve, reject) => {
            uppy.on('upload-error', (_, error) => reject(error));
            uppy.once('s3-multipart:part-uploaded', (file) => {
                const { uploadId, key } = uppy.getFile(file.id).s3Multipart;
                resolve({ uploadId, key });
                if (order.stopAfterPart === 'leave') uppy.pauseAll();
                // As a click does it: not from within Uppy's own event.
                if (order.stopAfterPart === 'cancel') setTimeout(() => uppy.cancelAll());
            });
            uppy.upload().catch(() => {});
        });
    }
    let done = await uppy.upload();
    if (done.failed.length > 0 && order.retry) {
        seen.first = seen.error;
        done = await uppy.retryAll();
    }
    const [file] = done.successful;
    return {
        ...seen,
        failed: done.failed.length,
        uploadURL: file?.uploadURL,
        body: file?.response?.body,
        document: file?.document,
    };
};
