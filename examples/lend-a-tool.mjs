// Lends the agent on the server a tool that runs here: it can ask for the free memory of this machine.
//
//   npm install @anthropic-ai/sdk && node lend-a-tool.mjs "How much memory is free here?"
import { freemem } from 'node:os';
import { Anthropic } from '@anthropic-ai/sdk';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';

const client = new Anthropic({
  baseURL: process.env.CHIRON_URL ?? 'http://127.0.0.1:8787',
  apiKey: process.env.CHIRON_KEY ?? 'any text, on a server without keys',
});

const freeMemory = betaTool({
  name: 'free_memory',
  description: 'Returns the free memory of the machine of the user who is asking, in megabytes.',
  inputSchema: { type: 'object', properties: {} },
  run: () => `${Math.round(freemem() / 1024 / 1024)} MB`,
});

// The runner sends the results back until the agent has no more calls.
const answer = await client.beta.messages.toolRunner({
  model: process.env.CHIRON_MODEL ?? 'claude-opus-5-5',
  max_tokens: 4096,
  messages: [{ role: 'user', content: process.argv[2] ?? '/call free_memory {}' }],
  tools: [freeMemory],
});
for (const block of answer.content) if (block.type === 'text') console.log(block.text);
