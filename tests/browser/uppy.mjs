// What Uppy's two current clients do with a server: single requests, parts, pausing, cancelling,
// going on in another page, expired URLs; by header, by cookie, by ticket.

/** Two parts of 5 MiB and a rest. */
const LARGE = 12_000_000;
const SMALL = 20_000;

/** Of each version, how it can say who is calling, and from which page. */
const WAYS = {
    5: ['header', 'cookie', 'ticket'],
    6: ['cookie', 'ticket'],
};

function order(input, version, way, seed, rest) {
    const base = { header: input.base, cookie: input.base, ticket: input.ticket }[way];
    const size = rest.multipart ? LARGE : SMALL;
    return {
        version,
        base,
        headers: way === 'header' ? { authorization: input.bearer } : undefined,
        file: { name: `notes ${seed}.txt`, type: 'text/plain', size, seed },
        meta: { patientId: 'patient-1', category: 'lab-results', nothing: null, colour: 'red' },
        ...rest,
    };
}

/** A page of the app, elsewhere; one of the server itself where the cookie is to be sent along. */
function pageFor(open, input, script, way) {
    return way === 'cookie'
        ? open(new URL('/healthz', input.base).href, script, input.cookie)
        : open(input.pages, script);
}

const inPage = (page, order) => page.evaluate((order) => window.upload(order), order);

/**
 * Lets the URL of part 2 be signed long ago, once. In the page and not by intercepting requests:
 * that switches the browser's cache off, and then it sends headers of its own with every PUT.
 */
async function expireOnce(page, ask) {
    await page.exposeFunction('shiftClock', (seconds) => ask('shift', { seconds }));
    await page.evaluate(() => {
        const plain = window.fetch;
        let left = 1;
        window.fetch = async (url, ...rest) => {
            if (left === 0 || !/\/multipart\/[^/]+\/2\?/.test(url)) return plain(url, ...rest);
            left = 0;
            await window.shiftClock(-7200);
            const answer = await plain(url, ...rest);
            await window.shiftClock(7200);
            return answer;
        };
    });
}

export async function scenarios(input, { bundle }) {
    const scripts = {
        5: await bundle('uppy-page.js', { '@uppy/aws-s3': 'aws-s3-5', '@uppy/core': 'uppy-core-5' }),
        6: await bundle('uppy-page.js'),
    };
    const all = [];
    let seed = 0;
    const add = (version, way, what, rest, run) => {
        seed += 1;
        const asked = order(input, version, way, seed, rest);
        all.push({
            name: `${version} by ${way}: ${what}`,
            run: async (tools) => {
                const page = await pageFor(tools.open, input, scripts[version], way);
                const result = await run(page, asked, tools);
                return { ...result, file: asked.file };
            },
        });
    };
    for (const version of [5, 6]) {
        for (const way of WAYS[version]) {
            add(version, way, 'one request', { multipart: false }, inPage);
            add(version, way, 'parts', { multipart: true }, inPage);
        }
        const way = version === 5 ? 'header' : 'ticket';
        add(version, way, 'paused and resumed', { multipart: true, pause: true }, inPage);
        const cancel = { multipart: true, stopAfterPart: 'cancel' };
        add(version, way, 'cancelled', cancel, async (page, asked) => {
            const isAbort = (answer) => answer.request().method() === 'DELETE';
            const [answer, stopped] =
                await Promise.all([page.waitForResponse(isAbort), inPage(page, asked)]);
            // Version 6 leaves the body unread, so that the browser never ends it.
            return { ...stopped, status: answer.status() };
        });
        const left = { multipart: true, stopAfterPart: 'leave' };
        add(version, way, 'left and taken up again', left, async (page, asked, { open }) => {
            const { uploadId, key } = await inPage(page, asked);
            await page.close();
            const other = await pageFor(open, input, scripts[version], way);
            const puts = [];
            other.on('request', (r) => r.method() === 'PUT' && puts.push(r.url()));
            const restored = { ...asked, stopAfterPart: undefined, restore: { uploadId, key } };
            const done = await inPage(other, restored);
            return { ...done, puts: puts.length };
        });
        if (input.canExpire) {
            const expired = { multipart: true, retry: version === 6 };
            add(version, way, 'an expired part', expired, async (page, asked, { ask }) => {
                await expireOnce(page, ask);
                const refused = [];
                page.on('response', (answer) => {
                    if (answer.status() === 403) refused.push(answer.text());
                });
                const done = await inPage(page, asked);
                return { ...done, refused: await Promise.all(refused) };
            });
        }
        const wrong = { multipart: true, file: { name: 'a.exe', type: 'text/plain', size: 9, seed } };
        add(version, way, 'a refusal', wrong, inPage);
    }
    return all;
}
