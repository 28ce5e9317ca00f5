// What the official SDKs make of strings at the edge. Their decoders, not the agent, are asked here, so the agent is a scripted one.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HarnessEvent, JsonObject } from '../../src/domain/harness-event.js';
import { readPromptText } from '../../src/domain/prompt.js';
import { HALF_CHARACTERS, ODD_STRINGS } from '../conformance/support/odd-strings.js';
import { textBlock, type ScriptedRun } from '../support/scripted-harness.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { loadSdk, type Sdk, SDKS } from './support/sdk.js';

type Play = (run: ScriptedRun) => void;

describe.each(SDKS)('@anthropic-ai/sdk $version', ({ packageName }) => {
  let sdk: Sdk;
  let app: TestApp;
  const plays = new Map<string, Play>();

  beforeAll(async () => {
    sdk = await loadSdk(packageName);
    app = await startTestApp();
    app.harness.onRun = (run) => plays.get(readPromptText(run.turn.prompt))?.(run);
  });
  afterAll(() => app.close());

  /** What the agent says to a prompt, as the SDK reads it: streamed, and then the same turn whole. */
  async function read(prompt: string, play: Play) {
    plays.set(prompt, play);
    const { beta } = new sdk.Anthropic({ baseURL: app.url, apiKey: 'none', maxRetries: 0 });
    const body = {
      model: 'claude-opus-5-5',
      max_tokens: 20_000,
      messages: ['before', 'I see.', prompt].map((content, index) => ({
        role: index === 1 ? ('assistant' as const) : ('user' as const),
        content,
      })),
    };
    const headers = { 'x-chiron-thread-key': `test:${encodeURIComponent(prompt)}` };
    const streamed = await beta.messages.stream(body, { headers }).finalMessage();
    const whole = await beta.messages.create(body, { headers });
    const shown = ({ content, stop_reason, id }: typeof whole) => ({ content, stop_reason, id });
    expect(JSON.parse(JSON.stringify(shown(streamed)))).toEqual(JSON.parse(JSON.stringify(shown(whole))));
    expect(app.harness.runsOf(prompt)).toHaveLength(1);
    return whole;
  }

  const everywhere = (text: string): readonly HarnessEvent[] => [
    { type: 'thinking-delta', id: 't', text },
    { type: 'block-end', id: 't', signature: 's' },
    { type: 'tool-call', id: 'one', name: text, server: text, input: { [text]: [text] } },
    { type: 'tool-result', id: 'one', content: [{ type: 'text', text }], isError: false },
    ...textBlock(text),
    { type: 'caller-tool-call', id: 'toolu_1', name: text, input: { [text]: [text] } },
  ];
  const told = (text: string) => [
    { type: 'thinking', thinking: text },
    { type: 'mcp_tool_use', name: text, server_name: text, input: { [text]: [text] } },
    { type: 'mcp_tool_result', content: [{ text }] },
    { type: 'text', text },
    { type: 'tool_use', name: text, input: { [text]: [text] } },
  ];

  it.each(Object.entries(ODD_STRINGS))('reads %s unchanged in text, thinking and tools', async (name, text) => {
    const message = await read(name, (run) => run.end(...everywhere(text)));
    expect(message.content).toMatchObject(told(text));
  });

  it.each(Object.entries(HALF_CHARACTERS))('reads U+FFFD for a lone surrogate %s', async (name, [text, shown]) => {
    const message = await read(`half ${name}`, (run) => run.end(...everywhere(text)));
    expect(message.content).toMatchObject(told(shown));
  });

  it('reads no split characters, wherever the agent splits its text', async () => {
    const text = 'a🌍b👩‍👩‍👧‍👦𝒳é';
    const message = await read('cut', (run) => {
      for (let at = 0; at < text.length; at += 1)
        run.say({ type: 'text-delta', id: 'a', text: text.slice(at, at + 1) });
      run.end();
    });
    expect(message.content).toMatchObject([{ text }]);
  });

  it('reads a megabyte in one delta, and 100,000 deltas', async () => {
    const long = 'megabyte🌍'.repeat(100_000);
    expect((await read('long', (run) => run.end(...textBlock(long)))).content).toMatchObject([{ text: long }]);
    const words = Array.from({ length: 100_000 }, (_, index) => `${index} `);
    const many = await read('many', (run) => {
      for (const word of words) run.say({ type: 'text-delta', id: 'a', text: word });
      run.end();
    });
    expect(many.content).toMatchObject([{ text: words.join('') }]);
  });

  it('reads a thousand blocks', async () => {
    const { content } = await read('blocks', (run) => {
      for (let block = 0; block < 500; block += 1) {
        run.say({ type: 'thinking-delta', id: `t${block}`, text: 'hm' }, ...textBlock(`${block}`, `x${block}`));
      }
      run.end();
    });
    expect(content).toHaveLength(1000);
  });

  it.each<readonly [string, readonly HarnessEvent[], number]>([
    ['nothing', [], 0],
    ['empty deltas', [{ type: 'text-delta', id: 'a', text: '' }], 0],
    ['only thinking', [{ type: 'thinking-delta', id: 't', text: 'hm' }], 1],
    ['only tools', everywhere('x').slice(2, 4), 2],
  ])('reads an answer with %s to its end', async (name, said, blocks) => {
    const message = await read(name, (run) => run.end(...said));
    expect([message.content.length, message.stop_reason]).toEqual([blocks, 'end_turn']);
  });

  it('reads deeply nested inputs of tools', async () => {
    let input: JsonObject = { end: 'here' };
    for (let level = 1; level < 100; level += 1) input = { in: [input] };
    const { content } = await read('deep', (run) =>
      run.end({ type: 'caller-tool-call', id: 'toolu_1', name: 'ask', input }),
    );
    expect(content).toMatchObject([{ type: 'tool_use', input }]);
  });
});
