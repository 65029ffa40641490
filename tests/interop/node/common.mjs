import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { sleep } from './events.mjs';

export { Events } from './events.mjs';

const audio = join(dirname(fileURLToPath(import.meta.url)), '../../../testdata/audio');

/** The samples of a recording. */
export function samples(name) {
  const wav = readFileSync(join(audio, name));
  const data = wav.indexOf('data');
  assert.equal(wav.readUInt32LE(24), 24_000);
  return wav.subarray(data + 8, data + 8 + wav.readUInt32LE(data + 4));
}

/** The samples of a recording, in pieces of 40 ms. */
export function* pieces(name) {
  const all = samples(name);
  const size = (24_000 * 2 * 40) / 1000;
  for (let at = 0; at < all.length; at += size) {
    yield all.subarray(at, at + size);
  }
}

/** Sends a recording, faster than one can speak. */
export async function speak(name, send) {
  for (const piece of pieces(name)) {
    send(piece);
    await sleep(4);
  }
}
