// npm `openai`: text, tools, audio and barge-in over a secure WebSocket.

import assert from 'node:assert/strict';

import OpenAI from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { VERSION } from 'openai/version';

import { Events, speak } from './common.mjs';

const client = new OpenAI({ baseURL: process.argv[2] });

async function connect(session) {
  const connection = new OpenAIRealtimeWS({ model: 'gpt-realtime' }, client);
  const events = new Events();
  connection.on('event', (event) => events.push(event));
  connection.on('error', (error) => events.push({ type: 'error', error }));
  await events.until('session.created');
  connection.send({ type: 'session.update', session: { type: 'realtime', ...session } });
  await events.until('session.updated');
  return [connection, events];
}

const user = (text) => ({
  type: 'conversation.item.create',
  item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] },
});

async function text() {
  const [connection, events] = await connect({ output_modalities: ['text'] });
  connection.send(user('Say hi in three words'));
  connection.send({ type: 'response.create' });
  const { response } = await events.until('response.done');
  const deltas = events.of('response.output_text.delta').map((event) => event.delta).join('');
  assert.equal(deltas, 'Hi there, friend!');
  assert.equal(response.output[0].content[0].text, deltas);
  connection.close();
  return deltas;
}

async function tools() {
  const tool = { type: 'function', name: 'get_weather', description: 'The weather.', parameters: { type: 'object' } };
  const [connection, events] = await connect({ output_modalities: ['text'], tools: [tool] });
  connection.send(user('What is the weather like?'));
  connection.send({ type: 'response.create' });
  const { response } = await events.until('response.done');
  const cities = response.output.map((call) => {
    const { city } = JSON.parse(call.arguments);
    const item = { type: 'function_call_output', call_id: call.call_id, output: `sunny in ${city}` };
    connection.send({ type: 'conversation.item.create', item });
    return city;
  });
  assert.deepEqual(cities, ['Lisbon', 'São Paulo']);
  connection.send({ type: 'response.create' });
  const answer = (await events.until('response.done', 2)).response.output[0].content[0].text;
  assert.equal(answer, 'The last one says: sunny in São Paulo');
  connection.close();
  return answer;
}

async function bargeIn() {
  const input = {
    transcription: { model: 'gpt-4o-mini-transcribe' },
    turn_detection: { type: 'server_vad', silence_duration_ms: 500 },
  };
  const [connection, events] = await connect({ audio: { input } });
  const append = (piece) =>
    connection.send({ type: 'input_audio_buffer.append', audio: piece.toString('base64') });
  await speak('question.wav', append);
  const heard = await events.until('conversation.item.input_audio_transcription.completed');
  assert.equal(heard.transcript, 'Please tell me a story.');
  await events.until('response.output_audio.delta', 3);
  await speak('interruption.wav', append);
  const { response } = await events.until('response.done');
  assert.equal(response.status, 'cancelled');
  assert.equal(response.status_details.reason, 'turn_detected');
  const item = response.output[0];
  connection.send({ type: 'conversation.item.truncate', item_id: item.id, content_index: 0, audio_end_ms: 300 });
  await events.until('conversation.item.truncated');
  const answer = (await events.until('response.done', 2)).response.output[0].content[0].transcript;
  assert.equal(answer, 'Sure, I will stop.');
  connection.close();
  return `'${item.content[0].transcript}' .. '${answer}'`;
}

for (const conversation of [text, tools, bargeIn]) {
  console.log(`${conversation.name}: ${await conversation()}`);
}
console.log(`openai ${VERSION}: all conversations were held`);
