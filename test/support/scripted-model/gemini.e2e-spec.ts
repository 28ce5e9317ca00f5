import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startScriptedGeminiModel } from './gemini.js';
import type { ScriptedModel } from './scene.js';

let model: ScriptedModel;
beforeAll(async () => {
  model = await startScriptedGeminiModel();
});
afterAll(() => model.close());

const SHELL = {
  name: 'run_shell_command',
  parametersJsonSchema: { type: 'object', properties: { command: { type: 'string' } }, required: ['command'] },
};
const user = (text: string) => ({ role: 'user', parts: [{ text }] });
const called = { role: 'model', parts: [{ functionCall: { name: SHELL.name, args: { command: 'ls' } } }] };
const result = (output: string) => ({
  role: 'user',
  parts: [{ functionResponse: { name: SHELL.name, response: { output } } }],
});

async function ask(contents: readonly object[], action = 'generateContent', tools = [SHELL]): Promise<Response> {
  const body = JSON.stringify({
    contents,
    systemInstruction: { role: 'user', parts: [{ text: 'be kind' }] },
    tools: [{ functionDeclarations: tools }],
  });
  return fetch(`${model.url}/v1beta/models/gemini-x:${action}`, { method: 'POST', body });
}

async function answerTo(...contents: readonly object[]): Promise<unknown> {
  return (await ask(contents)).json();
}

const saying = (...texts: readonly string[]) => ({
  candidates: [{ content: { role: 'model', parts: [...texts.map((text) => ({ text }))] } }],
});

describe('the scripted model of Gemini', () => {
  it('answers with the text of the scene, and with the usage of the first call of a turn', async () => {
    const answer = await answerTo(user('SCENE:text hello there'));
    expect(answer).toMatchObject({
      ...saying('hello ', 'there'),
      usageMetadata: {
        promptTokenCount: 400,
        cachedContentTokenCount: 300,
        candidatesTokenCount: 20,
        thoughtsTokenCount: 5,
      },
    });
    expect(answer).toMatchObject({ candidates: [{ finishReason: 'STOP' }] });
  });

  it('streams a thought, a text and a call of the shell tool', async () => {
    const stream = await (await ask([user('SCENE:tool echo hi')], 'streamGenerateContent')).text();
    const chunks = stream
      .split('\r\n\r\n')
      .filter((frame) => frame !== '')
      .map((frame): unknown => JSON.parse(frame.slice('data: '.length)));
    expect(chunks.slice(0, 3)).toMatchObject([
      { candidates: [{ content: { parts: [{ text: '**Plan** run a command', thought: true }] } }] },
      saying('Let me run it.'),
      { candidates: [{ content: { parts: [{ functionCall: { name: SHELL.name, args: { command: 'echo hi' } } }] } }] },
    ]);
    expect(chunks.at(-1)).toMatchObject({
      candidates: [{ finishReason: 'STOP' }],
      usageMetadata: { promptTokenCount: 400 },
    });
  });

  it('repeats what a command printed, as Gemini CLI tells it, also when it is asked to continue', async () => {
    const told = '<untrusted_context>\nOutput: hi\nProcess Group PGID: 27256\n</untrusted_context>';
    const before = [user('SCENE:tool echo hi'), called, result(told)];
    expect(await answerTo(...before)).toMatchObject(saying('It print', 'ed "hi".'));
    expect(await answerTo(...before, user('Continue.'))).toMatchObject(saying('It print', 'ed "hi".'));
  });

  it('calls the tool once per step', async () => {
    const prompt = user('SCENE:steps ls && pwd');
    expect(JSON.stringify(await answerTo(prompt, called, result('a.txt')))).toContain('pwd');
  });

  it('stops as the scene demands', async () => {
    expect(await answerTo(user('SCENE:stop max_tokens A'))).toMatchObject({
      candidates: [{ finishReason: 'MAX_TOKENS' }],
    });
    expect(await answerTo(user('SCENE:stop refusal'))).toMatchObject({ candidates: [{ finishReason: 'SAFETY' }] });
  });

  it.each([
    [400, 'INVALID_ARGUMENT'],
    [401, 'UNAUTHENTICATED'],
    [429, 'RESOURCE_EXHAUSTED'],
    [529, 'UNAVAILABLE'],
  ])('fails with %i', async (status, name) => {
    const response = await ask([user(`SCENE:fail ${status} some_error`)], 'streamGenerateContent');
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error: { code: status, message: 'scripted some_error', status: name } });
  });

  it('answers a request of the router without playing the scene', async () => {
    const answer: unknown = await (await ask([user('SCENE:fail 400 some_error')], 'generateContent', [])).json();
    expect(answer).toMatchObject({ candidates: [{ finishReason: 'STOP' }] });
  });

  it('counts tokens, and records what it was asked', async () => {
    expect(await (await ask([], 'countTokens')).json()).toEqual({ totalTokens: 400 });
    await answerTo(user('SCENE:text a'), user('b'));
    expect(model.requests.at(-1)).toMatchObject({ model: 'gemini-x', system: 'be kind', userText: 'b' });
  });
});
