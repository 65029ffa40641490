// npm `@openai/agents-realtime` in a browser, which shows its key as a subprotocol: the conversations of `agents.mjs`.
//
// usage: node run.mjs PATH_OF_SERVE browser.mjs
//
// Chromium is `chromium` on the path, or what the variable CHROMIUM names. It trusts any certificate, but connects to this
// machine alone.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { samples } from './common.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const sdk = join(here, 'node_modules/@openai/agents-realtime/dist/bundle');

const page = `<!doctype html><meta charset="utf-8"><title>Conversations</title><script type="module">
import * as sdk from './sdk/openai-realtime-agents.mjs';
import { hold } from './conversations.mjs';
import { sleep } from './events.mjs';

const tell = (line) => fetch('./told', { method: 'POST', body: JSON.stringify(line) });

async function speak(name, send) {
  const all = new Uint8Array(await (await fetch('./' + name)).arrayBuffer());
  const size = (24_000 * 2 * 40) / 1000;
  for (let at = 0; at < all.length; at += size) {
    send(all.subarray(at, at + size));
    await sleep(4);
  }
}

const transport = () => new sdk.OpenAIRealtimeWebSocket({ useInsecureApiKey: true });
const { base, apiKey } = ${JSON.stringify({ base: process.argv[2], apiKey: process.env.OPENAI_API_KEY })};
try {
  for await (const line of hold({ sdk, transport, base, apiKey, speak })) {
    await tell({ line });
  }
  await tell({ held: navigator.userAgent.match(/Chrome\\/[0-9]+/)[0] });
} catch (error) {
  await tell({ error: String(error?.stack ?? error) });
}
</script>`;

/** What the page asks for. */
function file(path) {
  if (path === '/') {
    return ['text/html', page];
  }
  if (path.endsWith('.wav')) {
    return ['application/octet-stream', samples(path.slice(1))];
  }
  return ['text/javascript', readFileSync(path.startsWith('/sdk/') ? join(sdk, path.slice(5)) : join(here, path))];
}

const scratch = mkdtempSync(join(tmpdir(), 'realtime-browser-'));
let browser;
const held = await new Promise((resolve) => {
  const server = createServer(async (request, response) => {
    if (request.method !== 'POST') {
      try {
        const [type, body] = file(new URL(request.url, 'http://localhost').pathname);
        response.writeHead(200, { 'content-type': type }).end(body);
      } catch {
        response.writeHead(404).end();
      }
      return;
    }
    const { line, held, error } = JSON.parse(await new Response(request).text());
    response.end();
    if (line) {
      console.log(line);
    } else {
      console.log(held ? `@openai/agents-realtime in a browser (${held}): all conversations were held` : error);
      resolve(Boolean(held));
    }
  });
  server.listen(0, '127.0.0.1', () => {
    const options = [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
      '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update',
      '--ignore-certificate-errors', '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost',
      `--user-data-dir=${join(scratch, 'profile')}`, `http://127.0.0.1:${server.address().port}/`,
    ];
    browser = spawn(process.env.CHROMIUM ?? 'chromium', options, { stdio: 'ignore', detached: true });
    browser.once('error', (error) => (console.log(`the browser does not start: ${error.message}`), resolve(false)));
    browser.once('exit', () => resolve(false));
  });
  setTimeout(() => (console.log('the browser took longer than three minutes'), resolve(false)), 180_000);
});
try {
  // It has processes of its own.
  process.kill(-browser.pid, 'SIGKILL');
} catch {
  // It never started, or is gone.
}
await new Promise((resolve) => setTimeout(resolve, 500));
rmSync(scratch, { recursive: true, force: true });
process.exit(held ? 0 : 1);
