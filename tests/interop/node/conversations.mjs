// The conversations of an agent's session, for Node and for a browser: text, tools, audio and barge-in.

import { Events, check, equal } from './events.mjs';

const MODEL = 'gpt-realtime';
const CITY = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };

/**
 * Holds all of them, and gives a line for each. `sdk` is the agents SDK, `transport` makes what a session is given as its
 * transport, and `speak` sends a recording.
 */
export async function* hold({ sdk, transport, base, apiKey, speak }) {
  const url = `${base.replace(/^http/, 'ws')}/realtime?model=${MODEL}`;

  async function connect(agent, config) {
    const options = { transport: transport(), model: MODEL, config };
    const session = new sdk.RealtimeSession(new sdk.RealtimeAgent(agent), options);
    const events = new Events();
    session.on('error', (error) => events.push({ type: 'error', error: String(error?.error?.message ?? error) }));
    session.on('transport_event', (event) => events.push(event));
    session.on('audio', () => events.push({ type: 'local.audio' }));
    session.on('audio_interrupted', () => events.push({ type: 'local.audio_interrupted' }));
    session.on('agent_end', (context, agent, output) => events.push({ type: 'local.agent_end', output }));
    session.on('agent_tool_end', (context, agent, tool, result) => events.push({ type: 'local.tool_end', result }));
    await session.connect({ apiKey, url });
    await events.until('session.updated');
    return [session, events];
  }

  const said = (session) =>
    session.history
      .filter((item) => item.type === 'message')
      .map((item) => `${item.role}: ${item.content.map((part) => part.text ?? part.transcript).join(' ')}`);

  async function text() {
    const [session, events] = await connect({ name: 'Greeter' }, { outputModalities: ['text'] });
    session.sendMessage('Say hi in three words');
    equal((await events.until('local.agent_end')).output, 'Hi there, friend!');
    const history = said(session);
    equal(history, ['user: Say hi in three words', 'assistant: Hi there, friend!']);
    session.close();
    return history.join(' / ');
  }

  async function tools() {
    const weather = sdk.tool({
      name: 'get_weather',
      description: 'The weather in a city.',
      parameters: CITY,
      strict: true,
      execute: async ({ city }) => `sunny in ${city}`,
    });
    const [session, events] = await connect({ name: 'Weather', tools: [weather] }, { outputModalities: ['text'] });
    session.sendMessage('What is the weather like in Lisbon and in São Paulo?');
    await events.until('local.tool_end', 2);
    const results = events.of('local.tool_end').map((event) => event.result).sort();
    equal(results, ['sunny in Lisbon', 'sunny in São Paulo']);
    while (!said(session).some((text) => text.startsWith('assistant: The last one says: sunny in '))) {
      await events.until('response.done', events.of('response.done').length + 1);
    }
    session.close();
    return said(session).at(-1);
  }

  async function bargeIn() {
    const input = {
      transcription: { model: 'gpt-4o-mini-transcribe' },
      turnDetection: { type: 'server_vad', silenceDurationMs: 500 },
    };
    const [session, events] = await connect({ name: 'Teller' }, { audio: { input } });
    const append = (piece) =>
      session.sendAudio(piece.buffer.slice(piece.byteOffset, piece.byteOffset + piece.byteLength));
    await speak('question.wav', append);
    await events.until('local.audio', 4);
    await speak('interruption.wav', append);
    await events.until('local.audio_interrupted');
    await events.until('conversation.item.truncated');
    const { response } = await events.until('response.done');
    equal(response.status, 'cancelled');
    const answer = (await events.until('response.done', 2)).response.output[0].content[0].transcript;
    equal(answer, 'Sure, I will stop.');
    await events.until('local.agent_end');
    const history = said(session);
    check(history.includes('user: Please tell me a story.'), history.join(' / '));
    session.close();
    return history.join(' / ');
  }

  for (const conversation of [text, tools, bargeIn]) {
    yield `${conversation.name}: ${await conversation()}`;
  }
}
