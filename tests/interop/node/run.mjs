// The official JavaScript clients hold their conversations with the served simulator, over TLS.
//
// usage: node run.mjs PATH_OF_SERVE [SCRIPT..]

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'realtime-interop-'));
const ca = join(scratch, 'ca.pem');
const serve = spawn(
  process.argv[2],
  ['--tls', '--ca-out', ca, '--answers', join(here, '../answers.jsonl'), '--key', 'sk-interop'],
  { stdio: ['pipe', 'pipe', 'inherit'] },
);
try {
  const [base] = await new Promise((resolve, reject) => {
    createInterface(serve.stdout).once('line', (line) => resolve([line]));
    serve.once('exit', () => reject(new Error('serve ended at once')));
  });
  const given = process.argv.slice(3);
  for (const script of given.length > 0 ? given : ['openai.mjs', 'live.mjs', 'agents.mjs', 'rest.mjs']) {
    // What the clients trust is read when their process starts.
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: ca, OPENAI_API_KEY: 'sk-interop' };
    const client = spawn(process.execPath, [join(here, script), base], { env, stdio: 'inherit' });
    const code = await new Promise((resolve) => client.once('exit', resolve));
    if (code !== 0) {
      throw new Error(`${script} ended with ${code}`);
    }
  }
} finally {
  serve.stdin.end();
  rmSync(scratch, { recursive: true });
}
