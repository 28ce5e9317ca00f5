#!/usr/bin/env node
// A small agent of the Agent Client Protocol: it answers with what it is told, its model, and the variables whose names are its arguments.
import { createInterface } from 'node:readline';

const names = process.argv.slice(2);
let model = 'none';

function send(message) {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

function say(text) {
  const update = { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } };
  send({ method: 'session/update', params: { sessionId: 'one', update } });
}

const ANSWERS = {
  initialize: () => ({
    protocolVersion: 1,
    agentCapabilities: { loadSession: true, promptCapabilities: {}, mcpCapabilities: { http: true } },
    agentInfo: { name: 'small', version: '1.0.0' },
  }),
  'session/new': () => ({ sessionId: 'one' }),
  'session/load': () => ({}),
  'session/set_config_option': ({ value }) => {
    model = value;
    return {};
  },
  'session/prompt': ({ prompt }) => {
    const told = prompt.map(({ text = '' }) => text).join(' ');
    const variables = names.map((name) => `${name}=${process.env[name] ?? ''}`).join(' ');
    say(`${told.trim()}: ${model} ${variables}`);
    return { stopReason: 'end_turn' };
  },
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  const answer = ANSWERS[method];
  if (id === undefined) return;
  if (answer === undefined) send({ id, error: { code: -32601, message: `no ${method}` } });
  else send({ id, result: answer(params) });
});
