// npm `openai`: Live sessions of one's own with client and Responses delegation, a sideband, and a fork.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import OpenAI from 'openai';
import { ForksWS } from 'openai/resources/live/forks/ws';
import { SidebandWS } from 'openai/resources/live/sideband/ws';
import { LiveWS } from 'openai/resources/live/ws';
import { VERSION } from 'openai/version';

import { Events, pieces } from './common.mjs';

const QUESTION = 'Please tell me a story.';
const client = new OpenAI({ baseURL: process.argv[2] });

function listen(connection) {
  const events = new Events();
  connection.on('event', (event) => events.push(event));
  connection.on('error', (error) => events.push({ type: 'error', error }));
  return events;
}

const heard = (events, who) => events.of(`session.${who}_transcript.delta`).map((event) => event.delta).join('');

/** Waits until the transcript of a speaker ends like this. */
async function said(events, who, end) {
  for (let n = 1; !heard(events, who).endsWith(end); n++) {
    await events.until(`session.${who}_transcript.delta`, n);
  }
  return heard(events, who);
}

/** Sends the recordings, and silence between them, in real time: the session's clock runs on it. */
function feed(connection, recordings) {
  const left = [];
  return setInterval(() => {
    while (recordings.length) {
      left.push(...pieces(recordings.shift()));
    }
    const piece = left.shift() ?? Buffer.alloc(0);
    const audio = Buffer.concat([piece, Buffer.alloc(1920 - piece.length)]).toString('base64');
    connection.send({ type: 'session.input_audio.append', audio });
  }, 40);
}

async function start(connection, session) {
  const events = listen(connection);
  connection.send({ type: 'session.start', event_id: 'start', session });
  const started = await events.until('session.started');
  assert.equal(started.client_event_id, 'start');
  return [events, started.session];
}

async function close(connection, events, timer) {
  clearInterval(timer);
  connection.send({ type: 'session.close', event_id: 'close' });
  const closed = await events.until('session.closed');
  assert.equal(closed.reason, 'close_requested');
  assert.ok(closed.usage.seconds > 0);
  connection.close();
}

async function clientDelegation() {
  const connection = new LiveWS(client);
  const [events, session] = await start(connection, { model: 'gpt-live-1', delegation: { type: 'client' }, store: true });
  const recordings = ['question.wav'];
  const timer = feed(connection, recordings);
  const sideband = new SidebandWS(client, { session_id: session.id });
  const seen = listen(sideband);
  await seen.until('session.started');
  const { delegation } = await events.until('session.delegation.created');
  assert.equal(heard(events, 'input'), QUESTION);
  assert.equal(delegation.target, 'client');
  connection.send({ type: 'session.thinking.append', event_id: 't', content: 'A long one.', delegation_id: delegation.id });
  connection.send({ type: 'session.commentary.append', content: 'Once upon a time.', delegation_id: delegation.id });
  await said(events, 'output', 'a time.');
  sideband.send({ type: 'session.commentary.append', event_id: 'side', content: 'The end.', delegation_id: null });
  const all = await said(seen, 'output', 'end.');
  assert.ok(seen.of('session.input_audio.append').length > 0 && seen.of('session.output_audio.delta').length > 0);
  assert.ok(seen.of('session.commentary.appended').some((event) => event.client_event_id === 'side'));
  sideband.close();
  await close(connection, events, timer);
  return [session.id, all];
}

async function responsesDelegation() {
  const tool = { type: 'function', name: 'get_weather', description: 'The weather.', parameters: { type: 'object' }, strict: false };
  const connection = new LiveWS(client);
  const [events] = await start(connection, {
    model: 'gpt-live-1',
    delegation: { type: 'responses', responses: { model: 'gpt-5.4-mini', tools: [tool] } },
  });
  const timer = feed(connection, []);
  const nested = (type) => events.of('response.event').map(({ event }) => event).filter((event) => event.type === type);
  const ended = async (count) => {
    for (let n = 1; nested('response.completed').length < count; n++) {
      await events.until('response.event', n);
    }
  };
  const text = 'What is the weather like?';
  const item = { type: 'message', role: 'user', content: [{ type: 'input_text', text }] };
  connection.send({ type: 'response.item.create', item });
  connection.send({ type: 'response.create' });
  await ended(1);
  const cities = nested('response.output_item.done').map(({ item: call }) => {
    const { city } = JSON.parse(call.arguments);
    const output = { type: 'function_call_output', call_id: call.call_id, output: `sunny in ${city}` };
    connection.send({ type: 'response.item.create', item: output });
    return city;
  });
  assert.deepEqual(cities, ['Lisbon', 'São Paulo']);
  connection.send({ type: 'response.create' });
  await ended(2);
  const answer = nested('response.output_text.delta').map((event) => event.delta).join('');
  assert.equal(answer, 'The last one says: sunny in São Paulo');
  await said(events, 'output', 'Paulo');
  await close(connection, events, timer);
  return answer;
}

async function fork(stored) {
  const connection = new ForksWS(client, { session_id: stored });
  const [events, session] = await start(connection, { store: false });
  assert.notEqual(session.id, stored);
  assert.equal(session.input[0].content[0].text, QUESTION);
  const timer = feed(connection, []);
  connection.send({ type: 'session.instructions.append', event_id: 'i', content: 'Be brief.', delegation_id: null });
  assert.equal((await events.until('session.instructions.appended')).client_event_id, 'i');
  await sleep(200);
  await close(connection, events, timer);
  return session.id;
}

const [stored, all] = await clientDelegation();
console.log(`client delegation, with a sideband: ${all}`);
console.log(`responses delegation: ${await responsesDelegation()}`);
console.log(`a fork of ${stored}: ${await fork(stored)}`);
console.log(`openai ${VERSION}: all Live conversations were held`);
