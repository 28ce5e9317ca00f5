import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FIRST_CALL_USAGE, LATER_CALL_USAGE } from './anthropic-answer.js';
import { startScriptedAnthropicModel } from './anthropic.js';
import type { ScriptedModel } from './scene.js';

describe('the scripted Anthropic model', () => {
  let model: ScriptedModel;

  beforeEach(async () => {
    model = await startScriptedAnthropicModel();
  });

  afterEach(() => model.close());

  async function ask(messages: readonly object[], more: object = {}): Promise<Response> {
    return fetch(`${model.url}/v1/messages?beta=true`, {
      method: 'POST',
      body: JSON.stringify({ model: 'claude-x', messages, tools: [{ name: 'Bash' }], ...more }),
    });
  }

  const user = (text: string) => ({ role: 'user', content: [{ type: 'text', text }] });
  const called = {
    role: 'assistant',
    content: [{ type: 'tool_use', id: 'toolu_1', name: 'Bash', input: { command: 'ls' } }],
  };
  const result = { type: 'tool_result', tool_use_id: 'toolu_1', content: 'a.txt\n' };

  it('answers with the text of the scene, at once when the request does not stream', async () => {
    const answer: unknown = await (await ask([user('SCENE:text hello there')])).json();
    expect(answer).toMatchObject({
      content: [{ type: 'text', text: 'hello there' }],
      stop_reason: 'end_turn',
      usage: { ...FIRST_CALL_USAGE, output_tokens: 3 },
    });
  });

  it('calls Bash once per command, and streams the input as JSON deltas', async () => {
    const stream = await (await ask([user('SCENE:parallel echo one && echo two')], { stream: true })).text();
    expect(stream.match(/"type":"tool_use"/g)).toHaveLength(2);
    expect(stream).toContain('"partial_json":"{\\"command\\":\\"echo two\\"');
    expect(stream).toContain('"stop_reason":"tool_use"');
    expect(stream).toMatch(/event: message_start\n[\s\S]*event: message_stop\n/);
  });

  it('calls Bash once per answer when the scene has steps', async () => {
    const prompt = user('SCENE:steps ls && pwd');
    const results = { role: 'user', content: [result] };
    const first: unknown = await (await ask([prompt])).json();
    expect(first).toMatchObject({ content: [{ type: 'tool_use', input: { command: 'ls' } }] });
    const second: unknown = await (await ask([prompt, called, results])).json();
    expect(second).toMatchObject({ content: [{ type: 'tool_use', input: { command: 'pwd' } }] });
    const third: unknown = await (await ask([prompt, called, results, called, results])).json();
    expect(third).toMatchObject({ content: [{ type: 'text', text: 'It printed "a.txt".' }] });
  });

  it('repeats the output of the tools once their results are the newest message', async () => {
    const answer: unknown = await (
      await ask([user('SCENE:tool ls'), called, { role: 'user', content: [result] }])
    ).json();
    expect(answer).toMatchObject({ content: [{ text: 'It printed "a.txt".' }], usage: LATER_CALL_USAGE });
  });

  it('repeats it too when Claude Code continues an interrupted turn after the results', async () => {
    const next = { role: 'user', content: [result, { type: 'text', text: 'Continue from where you left off.' }] };
    const answer: unknown = await (await ask([user('SCENE:tool ls'), called, next])).json();
    expect(answer).toMatchObject({ content: [{ text: 'It printed "a.txt".' }] });
  });

  it('answers by the tool for it where that is offered, with the next answer when one was not taken', async () => {
    const tools = [{ name: 'StructuredOutput' }];
    const prompt = user('SCENE:answer {"a":1} then {"a":2}');
    const first: unknown = await (await ask([prompt], { tools })).json();
    expect(first).toMatchObject({ content: [{ name: 'StructuredOutput', input: { a: 1 } }], stop_reason: 'tool_use' });
    const wrong = {
      role: 'assistant',
      content: [{ type: 'tool_use', id: 'toolu_1', name: 'StructuredOutput', input: {} }],
    };
    const refused = { role: 'user', content: [{ ...result, is_error: true }] };
    const second: unknown = await (await ask([prompt, wrong, refused], { tools })).json();
    expect(second).toMatchObject({ content: [{ input: { a: 2 } }] });
    expect(await (await ask([prompt])).json()).toMatchObject({ content: [{ type: 'text', text: '{"a":1}' }] });
  });

  it('stops as the scene demands, with the details of a refusal', async () => {
    const stream = await (await ask([user('SCENE:stop refusal Well,')], { stream: true })).text();
    expect(stream).toContain('"stop_reason":"refusal","stop_details":{"type":"refusal","category":"cyber"');
    const cut: unknown = await (await ask([user('SCENE:stop max_tokens')])).json();
    expect(cut).toMatchObject({ content: [], stop_reason: 'max_tokens', stop_details: null });
  });

  it('plays the newest scene, not one in a reminder and not one behind older tool results', async () => {
    const reminder = { type: 'text', text: '<system-reminder>SCENE:text wrong</system-reminder>' };
    const next = { role: 'user', content: [result, { type: 'text', text: 'SCENE:text right' }, reminder] };
    const answer: unknown = await (await ask([user('SCENE:tool ls'), called, next])).json();
    expect(answer).toMatchObject({ content: [{ text: 'right' }] });
  });

  it('fails with the status and the error type of the scene', async () => {
    const response = await ask([user('SCENE:fail 529 overloaded_error')]);
    expect(response.status).toBe(529);
    expect(await response.json()).toMatchObject({ type: 'error', error: { type: 'overloaded_error' } });
  });

  it('answers a side request without playing the scene', async () => {
    const side = { tools: [], output_config: { format: { type: 'json_schema' } } };
    const answer: unknown = await (await ask([user('SCENE:fail 500 api_error')], side)).json();
    expect(answer).toMatchObject({ content: [{ text: '{"title":"A scripted title"}' }] });
  });

  it('answers HEAD / and counts tokens', async () => {
    expect((await fetch(model.url, { method: 'HEAD' })).status).toBe(200);
    const counted = await fetch(`${model.url}/v1/messages/count_tokens`, { method: 'POST', body: '{}' });
    expect(await counted.json()).toEqual({ input_tokens: FIRST_CALL_USAGE.input_tokens });
  });

  it('records what it was asked', async () => {
    await ask([user('SCENE:text a'), user('b')], { system: [{ type: 'text', text: 'be kind' }] });
    expect(model.requests).toHaveLength(1);
    expect(model.requests[0]).toMatchObject({ model: 'claude-x', system: 'be kind', userText: 'b' });
  });
});
