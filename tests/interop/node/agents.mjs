// npm `@openai/agents-realtime`: text, tools, audio and barge-in, as an agent's session holds them.

import * as sdk from '@openai/agents-realtime';

import { speak } from './common.mjs';
import { hold } from './conversations.mjs';

const conversations = { sdk, transport: () => 'websocket', base: process.argv[2], apiKey: process.env.OPENAI_API_KEY, speak };
for await (const line of hold(conversations)) {
  console.log(line);
}
console.log('@openai/agents-realtime: all conversations were held');
// Whatever the sessions left behind does not keep the process.
process.exit(0);
