import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codexConfig, startScriptedResponsesModel } from './responses.js';
import type { ScriptedModel } from './scene.js';

let model: ScriptedModel;
beforeAll(async () => {
  model = await startScriptedResponsesModel();
});
afterAll(() => model.close());

const user = (text: string) => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] });
const output = (text: string) => ({
  type: 'function_call_output',
  call_id: 'c',
  output: `Chunk ID: 1\nWall time: 0 seconds\nProcess exited with code 0\nOutput:\n${text}\n`,
});

async function ask(...input: readonly object[]) {
  const body = JSON.stringify({ model: 'gpt-6', instructions: 'Base', input, tools: [{ name: 'exec_command' }] });
  const response = await fetch(`${model.url}/v1/responses`, { method: 'POST', body });
  return { status: response.status, text: await response.text() };
}

function eventsOf(
  text: string,
): readonly { type: string; delta?: string; item?: object; response?: { usage?: object } }[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice('data: '.length)));
}

describe('the scripted Responses model', () => {
  it('answers with text, and with the usage of the first call of a turn', async () => {
    const events = eventsOf((await ask(user('SCENE:text Hello there'))).text);
    expect(events.map(({ delta }) => delta ?? '').join('')).toBe('Hello there');
    expect(events.at(-1)).toMatchObject({
      type: 'response.completed',
      response: {
        usage: {
          input_tokens: 400,
          input_tokens_details: { cached_tokens: 300 },
          output_tokens: 25,
          output_tokens_details: { reasoning_tokens: 5 },
        },
      },
    });
  });

  it('calls the shell tool, and repeats its output once it has the result', async () => {
    const prompt = user('SCENE:tool echo hi');
    const calls = eventsOf((await ask(prompt)).text).filter(({ type }) => type === 'response.output_item.done');
    expect(calls.at(-1)?.item).toMatchObject({ name: 'exec_command', arguments: '{"cmd":"echo hi"}' });
    const after = eventsOf((await ask(prompt, output('hi'))).text);
    expect(after.map(({ delta }) => delta ?? '').join('')).toBe('It printed "hi".');
    expect(after.at(-1)?.response?.usage).toMatchObject({ input_tokens: 500 });
  });

  it('refuses with a part of its message, and is incomplete when it may not say more', async () => {
    const refused = eventsOf((await ask(user('SCENE:stop refusal'))).text);
    const part = { type: 'refusal', refusal: 'I cannot help with that.' };
    expect(refused.find(({ type }) => type === 'response.output_item.done')?.item).toMatchObject({ content: [part] });
    const cut = eventsOf((await ask(user('SCENE:stop max_tokens And then'))).text);
    expect(cut.at(-1)).toMatchObject({
      type: 'response.incomplete',
      response: { incomplete_details: { reason: 'max_output_tokens' } },
    });
  });

  it('calls the shell tool once per answer when the scene has steps', async () => {
    const prompt = user('SCENE:steps ls && pwd');
    const calls = eventsOf((await ask(prompt, output('a.txt'))).text).filter(
      ({ type }) => type === 'response.output_item.done',
    );
    expect(calls.map(({ item }) => item)).toMatchObject([{ arguments: '{"cmd":"pwd"}' }]);
    const after = eventsOf((await ask(prompt, output('a.txt'), output('/'))).text);
    expect(after.map(({ delta }) => delta ?? '').join('')).toBe('It printed "a.txt" and "/".');
  });

  it('goes by the newest user text that is the user’s own', async () => {
    const context = user('<environment_context>SCENE:text no</environment_context>');
    const events = eventsOf((await ask(user('SCENE:tool x'), output('x'), user('hello'), context)).text);
    expect(events.map(({ delta }) => delta ?? '').join('')).toBe('PONG');
    expect(model.requests.at(-1)).toMatchObject({ model: 'gpt-6', system: 'Base', userText: 'hello' });
  });

  it('fails as asked', async () => {
    expect(await ask(user('SCENE:fail 429 rate_limit_error'))).toMatchObject({
      status: 429,
      text: expect.stringContaining('"type":"rate_limit_error"'),
    });
  });

  it('is what its configuration points at', () => {
    expect(codexConfig(model)).toContain(`base_url = "${model.url}/v1"`);
  });
});
