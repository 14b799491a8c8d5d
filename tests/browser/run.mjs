// Runs a set of scenarios in a real browser: `node run.mjs uppy`.
//
// A set is a file beside this one that exports `scenarios(input)`: a list of `{ name, run(tools) }`.
// What the set is told comes as one line of JSON on standard input. On standard output there is one
// line of JSON a scenario, `{ name, ok, result | error }`; a scenario may also ask the test that
// started this for something, `{ ask, … }`, and is answered by a line on standard input.
//
// STRONGROOM_TEST_NODE names the folder with node_modules, STRONGROOM_TEST_CHROMIUM the browser.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const modules = process.env.STRONGROOM_TEST_NODE;
const require = createRequire(`${modules}/package.json`);
const { chromium } = require('playwright-core');
const esbuild = require('esbuild');

/** How long one scenario may take, in milliseconds. */
const PATIENCE = 60_000;

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const nextLine = async () => JSON.parse((await lines.next()).value);
const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** Asks the test that started this. */
async function ask(what, details = {}) {
    tell({ ask: what, ...details });
    return nextLine();
}

/** A script for pages, with everything it imports; `alias` sends imports elsewhere. */
async function bundle(file, alias = {}) {
    const built = await esbuild.build({
        entryPoints: [new URL(file, import.meta.url).pathname],
        bundle: true,
        write: false,
        format: 'iife',
        target: 'chrome120',
        define: { 'process.env.NODE_ENV': '"production"' },
        nodePaths: [`${modules}/node_modules`],
        alias,
    });
    return built.outputFiles[0].text;
}

/** Serves empty pages from an origin of its own. */
function otherOrigin(origin) {
    const server = createServer((_, answer) => {
        answer.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
        answer.end('<!doctype html><title>A page of the app</title>');
    });
    const { hostname, port } = new URL(origin);
    return new Promise((resolve) => server.listen(Number(port), hostname, () => resolve(server)));
}

/**
 * A page, with a script in it where there is one; with a cookie where one is given. It is really fetched, so that the
 * browser's rules for its address hold.
 */
async function openPage(browser, address, script, cookie) {
    const context = await browser.newContext();
    if (cookie) {
        const [name, value] = cookie.split('=');
        await context.addCookies([{ name, value, url: address, httpOnly: true, sameSite: 'Strict' }]);
    }
    const page = await context.newPage();
    page.said = [];
    page.on('console', (message) => page.said.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => page.said.push(`error: ${error.message}`));
    page.on('response', async (answer) => {
        if (answer.status() < 400) return;
        const text = await answer.text().catch(() => '');
        page.said.push(`${answer.request().method()} ${answer.status()}: ${text.slice(0, 500)}`);
    });
    await page.goto(address);
    if (script) await page.addScriptTag({ content: script });
    return page;
}

function within(promise, milliseconds) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not within ${milliseconds} ms`)), milliseconds);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const input = await nextLine();
const set = await import(`./${process.argv[2]}.mjs`);
const server = await otherOrigin(input.pages);
const browser = await chromium.launch({
    executablePath: process.env.STRONGROOM_TEST_CHROMIUM ?? '/usr/bin/chromium',
    args: [
        '--no-sandbox',
        '--disable-quic',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
    ],
});
let failed = 0;
try {
    for (const { name, run } of await set.scenarios(input, { bundle })) {
        if (!name.includes(input.only ?? '')) continue;
        const pages = [];
        const open = async (...of) => {
            const page = await openPage(browser, ...of);
            pages.push(page);
            return page;
        };
        try {
            const result = await within(run({ open, ask, input }), PATIENCE);
            tell({ name, ok: true, result });
        } catch (error) {
            failed += 1;
            const said = pages.flatMap((page) => page.said);
            tell({ name, ok: false, error: `${error.stack ?? error}`, said });
        }
        await Promise.all(pages.map((page) => page.context().close()));
    }
} finally {
    await browser.close();
    server.close();
}
process.exit(failed ? 1 : 0);
