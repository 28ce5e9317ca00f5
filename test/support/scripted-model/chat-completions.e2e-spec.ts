import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startScriptedChatModel } from './chat-completions.js';
import type { ScriptedModel } from './scene.js';

let model: ScriptedModel;
beforeAll(async () => {
  model = await startScriptedChatModel();
});
afterAll(() => model.close());

const BASH = {
  type: 'function',
  function: {
    name: 'bash',
    parameters: {
      type: 'object',
      properties: { command: { type: 'string' }, description: { type: 'string' }, is_background: { type: 'boolean' } },
      required: ['command', 'description', 'is_background'],
    },
  },
};
const user = (content: string | readonly object[]) => ({ role: 'user', content });
const called = { role: 'assistant', content: null, tool_calls: [{ id: 'call_1' }] };
const result = (content: string) => ({ role: 'tool', tool_call_id: 'call_1', content });

async function ask(messages: readonly object[], more: object = {}): Promise<Response> {
  const body = JSON.stringify({ model: 'scripted-1', messages, tools: [BASH], ...more });
  return fetch(`${model.url}/v1/chat/completions`, { method: 'POST', body });
}

async function answerTo(...messages: readonly object[]): Promise<unknown> {
  return (await ask(messages)).json();
}

const saying = (content: string) => ({ choices: [{ message: { content } }] });

describe('the scripted model of Chat Completions', () => {
  it('answers with the text of the scene, and with the usage of the first call of a turn', async () => {
    expect(await answerTo(user('SCENE:text hello there'))).toMatchObject({
      choices: [{ message: { role: 'assistant', content: 'hello there' }, finish_reason: 'stop' }],
      usage: {
        prompt_tokens: 400,
        prompt_tokens_details: { cached_tokens: 300 },
        completion_tokens: 25,
        completion_tokens_details: { reasoning_tokens: 5 },
      },
    });
  });

  it('streams a thought, a text and a call with all that its schema demands, and the usage to who asks for it', async () => {
    const options = { stream: true, stream_options: { include_usage: true } };
    const stream = await (await ask([user('SCENE:tool echo hi')], options)).text();
    expect(stream).toContain('"delta":{"reasoning_content":"**Plan** run a command"}');
    expect(stream).toContain('"name":"bash","arguments":""');
    const input = JSON.stringify({ command: 'echo hi', description: 'Run a command', is_background: false });
    expect(stream).toContain(`"arguments":${JSON.stringify(input)}`);
    expect(stream).toContain('"finish_reason":"tool_calls"');
    expect(stream).toMatch(/"choices":\[\],"usage":\{"prompt_tokens":400.*\ndata: \[DONE\]\n\n$/s);
    expect(await (await ask([user('SCENE:tool echo hi')], { stream: true })).text()).not.toContain('usage');
  });

  it('calls the tool once per command, in one answer or in steps', async () => {
    const parallel = await answerTo(user('SCENE:parallel echo one && echo two'));
    expect(parallel).toMatchObject({ choices: [{ message: { tool_calls: [{ index: 0 }, { index: 1 }] } }] });
    const prompt = user('SCENE:steps ls && pwd');
    expect(JSON.stringify(await answerTo(prompt, called, result('a.txt')))).toContain('pwd');
    expect(await answerTo(prompt, called, result('a.txt'), called, result('/'))).toMatchObject(
      saying('It printed "a.txt" and "/".'),
    );
  });

  it('calls a tool by its name', async () => {
    const answer = await answerTo(user('SCENE:use caller_get_weather {"city":"Bern"}'));
    const call = { function: { name: 'caller_get_weather', arguments: '{"city":"Bern"}' } };
    expect(answer).toMatchObject({ choices: [{ message: { tool_calls: [call] } }] });
  });

  it.each([
    ['opencode', 'hi\n'],
    ['Copilot', 'hi\n<shellId: 0 completed with exit code 0>'],
    ['Qwen Code', 'Command: echo hi\nDirectory: (root)\nOutput: hi\nError: (none)\nExit Code: 0\nSignal: (none)'],
    ['Kimi Code', 'Wall time: 0.065 seconds\nhi\n'],
  ])('repeats what a command printed, as %s tells it', async (_, told) => {
    expect(await answerTo(user('SCENE:tool echo hi'), called, result(told))).toMatchObject(saying('It printed "hi".'));
  });

  it('goes on with the scene when the agent is asked to, and plays the newest one', async () => {
    const before = [user('SCENE:tool echo hi'), called, result('hi')];
    expect(await answerTo(...before, user('Continue.'))).toMatchObject(saying('It printed "hi".'));
    const told = [{ type: 'text', text: 'User: SCENE:text old\n\nSCENE:text new' }];
    expect(await answerTo(...before, user(told))).toMatchObject(saying('new'));
  });

  it('does not repeat a command of which it is told in the prompt', async () => {
    const call = '<tool_call name="bash">\n{"command":"echo hi"}\n</tool_call>';
    const told = `<user>\nSCENE:tool echo hi\n</user>\n${call}\n<tool_result name="bash">\nhi\n</tool_result>\nGo on.`;
    expect(await answerTo(user(told))).toMatchObject(saying('It printed "hi".'));
    expect(await answerTo(user(`${told}\nSCENE:tool echo hi`))).toMatchObject({
      choices: [{ finish_reason: 'tool_calls' }],
    });
  });

  it('gives the next answer of a schema when it is told that one was not taken', async () => {
    const prompt = user('SCENE:answer {"a":1} then {"a":2}');
    expect(await answerTo(prompt)).toMatchObject(saying('{"a":1}'));
    expect(await answerTo(prompt, { role: 'assistant', content: '{"a":1}' }, user('No.'))).toMatchObject(
      saying('{"a":2}'),
    );
  });

  it('stops as the scene demands', async () => {
    const cut = await answerTo(user('SCENE:stop max_tokens And then'));
    expect(cut).toMatchObject({ choices: [{ message: { content: 'And then' }, finish_reason: 'length' }] });
    const refused = await answerTo(user('SCENE:stop refusal'));
    expect(refused).toMatchObject({ choices: [{ finish_reason: 'content_filter' }] });
  });

  it.each([400, 401, 429, 529])('fails with %i', async (status) => {
    const response = await ask([user(`SCENE:fail ${status} some_error`)]);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { type: 'some_error', message: 'scripted some_error' } });
  });

  it('answers what is beside the conversation without playing the scene', async () => {
    const title = saying('{"title":"A scripted title"}');
    expect(await (await ask([user('SCENE:fail 400 some_error')], { tools: [] })).json()).toMatchObject(title);
    const suggestion = user([{ type: 'text', text: '[SUGGESTION MODE: Suggest what the user might type next.]' }]);
    expect(await answerTo(user('SCENE:tool rm -r .'), suggestion)).toMatchObject(title);
  });

  it('records what it was asked', async () => {
    await ask([{ role: 'system', content: 'be kind' }, user('SCENE:text a'), user('b')]);
    expect(model.requests.at(-1)).toMatchObject({ model: 'scripted-1', system: 'be kind', userText: 'b' });
  });
});
