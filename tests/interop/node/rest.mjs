// npm `openai`: the REST API over TLS: client secrets, calls, hang up.

import assert from 'node:assert/strict';

import OpenAI from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { VERSION } from 'openai/version';

import { Events } from './common.mjs';

const baseURL = process.argv[2];
const client = new OpenAI({ baseURL, maxRetries: 0 });
const sdp =
  'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n';
const session = { type: 'realtime', model: 'gpt-realtime', instructions: 'Be brief.', output_modalities: ['text'] };

async function clientSecret() {
  const expires_after = { anchor: 'created_at', seconds: 60 };
  const secret = await client.realtime.clientSecrets.create({ session, expires_after });
  assert.match(secret.value, /^ek_/);
  assert.equal(secret.session.instructions, 'Be brief.');
  const browser = new OpenAI({ baseURL, apiKey: secret.value, maxRetries: 0 });
  const connection = new OpenAIRealtimeWS({ model: 'gpt-realtime' }, browser);
  const events = new Events();
  connection.on('event', (event) => events.push(event));
  connection.on('error', (error) => events.push({ type: 'error', error }));
  const created = await events.until('session.created');
  assert.equal(created.session.instructions, 'Be brief.');
  connection.close();
  await assert.rejects(browser.realtime.clientSecrets.create({ session }), { status: 401, code: 'invalid_api_key' });
  return secret.session.type;
}

async function calls() {
  let call;
  for (const body of [{ sdp, session }, { sdp }]) {
    const answer = await client.realtime.calls.create(body);
    call = answer.headers.get('location').split('/').at(-1);
    assert.match(call, /^rtc_/);
    assert.match(await answer.text(), /^v=0/);
    await client.realtime.calls.hangup(call);
    await assert.rejects(client.realtime.calls.hangup(call), { status: 404, code: 'call_not_found' });
  }
  return call.slice(0, 4);
}

for (const conversation of [clientSecret, calls]) {
  console.log(`${conversation.name}: ${await conversation()}`);
}
console.log(`openai ${VERSION}: all requests were answered`);
