import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const audio = join(dirname(fileURLToPath(import.meta.url)), '../../../testdata/audio');

/** The samples of a recording, in pieces of 40 ms. */
export function* pieces(name) {
  const wav = readFileSync(join(audio, name));
  const data = wav.indexOf('data');
  assert.equal(wav.readUInt32LE(24), 24_000);
  const samples = wav.subarray(data + 8, data + 8 + wav.readUInt32LE(data + 4));
  const size = (24_000 * 2 * 40) / 1000;
  for (let at = 0; at < samples.length; at += size) {
    yield samples.subarray(at, at + size);
  }
}

/** Sends a recording, faster than one can speak. */
export async function speak(name, send) {
  for (const piece of pieces(name)) {
    send(piece);
    await sleep(4);
  }
}

/** Collects events, so that one can wait for them. */
export class Events {
  seen = [];
  #wake = () => {};

  push(event) {
    this.seen.push(event);
    this.#wake();
  }

  of(type) {
    return this.seen.filter((event) => event.type === type);
  }

  /** Waits until there are so many events of a type, and gives the last of them. */
  async until(type, count = 1) {
    const deadline = Date.now() + 60_000;
    while (this.of(type).length < count) {
      assert.deepEqual(this.of('error'), [], 'no errors');
      assert.ok(Date.now() < deadline, `waited for ${type}: ${this.seen.map((event) => event.type)}`);
      await Promise.race([new Promise((resolve) => (this.#wake = resolve)), sleep(1000)]);
    }
    assert.deepEqual(this.of('error'), [], 'no errors');
    return this.of(type)[count - 1];
  }
}
