// Unusual strings in everything that an agent emits and a caller sends. Over 250 lines: each type of string in each place.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { HarnessEvent, JsonObject, JsonValue } from '../../src/domain/harness-event.js';
import { ask, thread } from '../support/requests.js';
import { modelCall, textBlock } from '../support/scripted-harness.js';
import { checkGrammar } from '../support/stream-grammar.js';
import { HALF_CHARACTERS, ODD_STRINGS } from './support/odd-strings.js';
import { claudeToolResult } from './support/recordings.js';
import { CLAUDE_CODE, ConformanceServer } from './support/server.js';

const server = new ConformanceServer();

const delta = (text: string, id = 'a'): HarnessEvent => ({ type: 'text-delta', id, text });

describe('the output of an agent', () => {
  it.each(Object.entries(ODD_STRINGS))(
    'strings: %s arrive unchanged in text, thinking and tools',
    async (name, text) => {
      const { message } = await server.answer(`odd ${name}`, (run) =>
        run.end(
          { type: 'thinking-delta', id: 't', text },
          { type: 'block-end', id: 't', signature: 's' },
          { type: 'tool-call', id: 'one', name: text, server: text, input: { [text]: [text] } },
          { type: 'tool-result', id: 'one', content: [{ type: 'text', text }], isError: false },
          ...textBlock(text),
          { type: 'caller-tool-call', id: 'toolu_1', name: text, input: { [text]: [text] } },
        ),
      );
      expect(message.content).toMatchObject([
        { thinking: text },
        { name: text, server_name: text, input: { [text]: [text] } },
        { content: [{ text }] },
        { text },
        { type: 'tool_use', name: text, input: { [text]: [text] } },
      ]);
    },
  );

  it('strings: events contain no line ends, not even those that only some readers recognise', async () => {
    const { stream } = await server.answer('line ends', (run) =>
      run.end(...textBlock('a\u0085b\u2028c\u2029d\u000be\u000cf\u001cg')),
    );
    expect(stream.text.replaceAll('\n', '')).not.toMatch(/[\u2028\u2029\p{Control}]/u);
    expect(stream.text.split('\n').filter((line) => !/^(event: |data: \{.*\}$|$)/.test(line))).toEqual([]);
  });

  it('strings: deltas never split a character, wherever the agent splits its text', async () => {
    const text = 'a🌍b👩‍👩‍👧‍👦𝒳\u2028é';
    for (let size = 1; size <= 3; size += 1) {
      const { stream } = await server.answer(`cut after ${size}`, (run) => {
        for (let at = 0; at < text.length; at += size) run.say(delta(text.slice(at, at + size)));
        run.end();
      });
      // The grammar check covers lone surrogates.
      expect(stream.said).toBe(text);
    }
  });

  it('strings: two halves of a character in separate blocks are not joined', async () => {
    const { message } = await server.answer('torn apart', (run) =>
      run.end(
        { type: 'thinking-delta', id: 't', text: 'a\uD83C' },
        delta('\uDF0Db\uD83C'),
        { type: 'tool-call', id: 'one', name: 'Bash', server: 'agent', input: {} },
        { type: 'tool-result', id: 'one', content: [], isError: false },
        delta('\uDF0Dc', 'c'),
      ),
    );
    expect(message.content).toMatchObject([
      { thinking: 'a\uFFFD' },
      { text: '\uFFFDb\uFFFD' },
      {},
      {},
      { text: '\uFFFDc' },
    ]);
  });

  it.each(Object.entries(HALF_CHARACTERS))(
    'strings: a lone surrogate %s becomes U+FFFD everywhere',
    async (name, [text, told]) => {
      for (const form of ['mcp', 'server', 'text']) {
        const { stream, whole, message } = await server.answer(
          `half ${name} ${form}`,
          (run) =>
            run.end(
              ...textBlock(text),
              { type: 'tool-call', id: 'one', name: text, server: text, input: { [text]: [text, { command: text }] } },
              { type: 'tool-result', id: 'one', content: [{ type: 'text', text }], isError: false },
              { type: 'caller-tool-call', id: 'toolu_1', name: text, input: { command: text } },
            ),
          {},
          { 'x-chiron-tool-blocks': form },
        );
        // Nothing else is escaped like this.
        expect(stream.text + whole.text).not.toMatch(/\\ud[89a-f]/i);
        // As text, a call and its result are one block.
        const tool = form === 'text' ? [{}] : [{}, {}];
        expect(message.content).toMatchObject([{ text: told }, ...tool, { name: told, input: { command: told } }]);
      }
    },
  );

  it('strings: a lone surrogate in an error becomes U+FFFD, streamed and unstreamed', async () => {
    server.plays('half an error', (run) => {
      if (run.turn.turnIndex === 0) run.text('said');
      run.fail('internal', 'broken \uD83C here');
    });
    const stream = await server.open(ask('half an error', { stream: true }), thread('half')).done();
    const whole = await server.post(ask('half an error'), thread('half'));
    for (const text of [stream.text, whole.text]) expect(text).toContain('broken \uFFFD here');
  });
});

describe('the amount of an agent’s output', () => {
  it('strings: a megabyte in one delta arrives complete', async () => {
    const text = 'megabyte🌍'.repeat(100_000);
    const { message, events } = await server.answer('a megabyte', (run) => run.end(...textBlock(text)));
    expect(message.content).toEqual([{ type: 'text', text, citations: null }]);
    expect(events.filter((event) => event.type === 'content_block_delta')).toHaveLength(1);
  });

  const MANY = 100_000;
  const WORDS = Array.from({ length: MANY }, (_, index) => `${index} `);

  it('strings: 100,000 deltas arrive complete and in order, streamed and unstreamed', async () => {
    const { stream, events } = await server.answer('many', (run) => {
      for (const word of WORDS) run.say(delta(word));
      run.end();
    });
    expect(events.filter((event) => event.type === 'content_block_delta')).toHaveLength(MANY);
    expect(stream.said).toBe(WORDS.join(''));
  });

  it('strings: 100,000 deltas reach a caller that does not read while they are emitted', async () => {
    const { stream, run } = await server.held('slow reader');
    stream.pause();
    for (const [index, word] of WORDS.entries()) {
      run.say(delta(word));
      if (index % 1000 === 0) await nextTurn();
    }
    run.end();
    const whole = await server.post(ask('slow reader'), thread('slow reader')).expect(200);
    expect(stream.ended).toBe(false);
    stream.resume();
    await stream.done();
    expect(whole.body).toMatchObject({ id: stream.messageId, content: [{ text: WORDS.join('') }] });
    expect(stream.said).toBe(WORDS.join(''));
    expect(checkGrammar(stream.events)).toEqual([]);
  });

  it('strings: empty deltas are dropped, and open no block', async () => {
    const { events, message } = await server.answer('empty', (run) => {
      run.say(delta('', 'never said'), { type: 'thinking-delta', id: 't', text: '' }, { type: 'block-end', id: 't' });
      run.say(delta('a'), delta(''), delta('b'), { type: 'block-end', id: 'a' }, delta('', 'late'));
      run.end();
    });
    expect(message.content).toEqual([{ type: 'text', text: 'ab', citations: null }]);
    expect(events.filter((event) => event.type === 'content_block_delta')).toHaveLength(2);
  });

  const silent: readonly (readonly [string, readonly HarnessEvent[], readonly string[]])[] = [
    ['nothing at all', [], []],
    ['a model call and nothing else', modelCall([]), []],
    ['only a notice', [{ type: 'notice', kind: 'compacting', message: 'compacting' }], []],
    ['only the end of a block', [{ type: 'block-end', id: 'a' }], []],
    [
      'only thinking',
      [
        { type: 'thinking-delta', id: 't', text: 'hm' },
        { type: 'block-end', id: 't', signature: 's' },
      ],
      ['thinking'],
    ],
    [
      'only tools',
      [
        { type: 'tool-call', id: 'one', name: 'Bash', server: 'agent', input: {} },
        { type: 'tool-result', id: 'one', content: [], isError: false },
      ],
      ['mcp_tool_use', 'mcp_tool_result'],
    ],
  ];

  it.each(silent)('strings: an answer with %s ends properly', async (name, said, types) => {
    const { events, message } = await server.answer(`silent ${name}`, (run) => run.end(...said));
    expect(message.content.map(({ type }) => type)).toEqual(types);
    expect(message.stop_reason).toBe('end_turn');
    expect(events.slice(-2).map(({ type }) => type)).toEqual(['message_delta', 'message_stop']);
    // The conversation continues after it.
    await server.post(server.conversation('and then?'), thread(`silent ${name}`)).expect(200);
  });

  it('strings: a thousand blocks are numbered without gaps', async () => {
    const ids = Array.from({ length: 250 }, (_, index) => `${index}`);
    const { events, message } = await server.answer('a thousand', (run) => {
      for (const id of ids) {
        run.say(
          { type: 'thinking-delta', id: `t${id}`, text: 'hm' },
          ...textBlock(id, id),
          { type: 'tool-call', id, name: 'Bash', server: 'agent', input: { command: id } },
          { type: 'tool-result', id, content: [{ type: 'text', text: id }], isError: false },
        );
      }
      run.end();
    });
    expect(message.content).toHaveLength(1000);
    const indices = events.flatMap((event) => (event.type === 'content_block_start' ? [event.index] : []));
    expect(indices).toEqual(Array.from({ length: 1000 }, (_, index) => index));
  });
});

describe('unusual tools', () => {
  it('strings: very long names and ids arrive complete, and a result has the id of its call', async () => {
    const long = 'x'.repeat(100_000);
    const { message } = await server.answer('long names', (run) => {
      run.say(
        { type: 'tool-call', id: long, name: long, server: long, input: { [long]: long } },
        { type: 'tool-result', id: long, content: [], isError: false },
        { type: 'caller-tool-call', id: `toolu_${long}`, name: long, input: {} },
      );
      run.endAs('tool_use');
    });
    expect(message.content).toEqual([
      { type: 'mcp_tool_use', id: `mcptoolu_${long}`, name: long, server_name: long, input: { [long]: long } },
      { type: 'mcp_tool_result', tool_use_id: `mcptoolu_${long}`, is_error: false, content: [] },
      { type: 'tool_use', id: `toolu_${long}`, name: long, input: {} },
    ]);
  });

  it.each(['', 'with spaces and ümläuts', 'a:b/c.d', '🌍', 'toolu_', '\u0000'])(
    'strings: the id %j becomes one that the API accepts, the same in call and result',
    async (id) => {
      const { message } = await server.answer(`an id ${encodeURIComponent(id)}`, (run) =>
        run.end(
          { type: 'tool-call', id, name: 'Bash', server: 'agent', input: {} },
          { type: 'tool-result', id, content: [], isError: false },
        ),
      );
      const [call, result] = message.content;
      expect(call).toMatchObject({ type: 'mcp_tool_use', id: expect.stringMatching(/^mcptoolu_[\w-]*$/) as string });
      expect(result).toMatchObject({ tool_use_id: call?.type === 'mcp_tool_use' ? call.id : 'no call' });
    },
  );

  const outputs: readonly (readonly [string, JsonValue | undefined, readonly string[]])[] = [
    ['a string', 'out', ['out']],
    ['nothing', undefined, []],
    ['null', null, []],
    ['a number', 7, []],
    ['an empty list', [], []],
    ['a list with odd things', [null, 5, 'text', { type: 'text', text: 'kept' }], ['kept']],
    ['a text block without text', [{ type: 'text', text: 5 }], ['[text]']],
    [
      'an image',
      [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } }],
      ['[image image/png]'],
    ],
    ['an unknown block type', [{ type: 'tool_reference', tool_name: 'x' }], ['[tool_reference]']],
  ];

  it.each(outputs)('strings: an output that is %s is sent as texts', async (name, content, texts) => {
    const { message } = await server.answer(`output ${name}`, (run) => run.finish(claudeToolResult(content)));
    const results = message.content.flatMap((block) => (block.type === 'mcp_tool_result' ? [block.content] : []));
    expect(results).toEqual([texts.map((text) => ({ type: 'text', text, citations: null }))]);
  });

  /** An object of this nesting depth. */
  const nested = (depth: number): JsonObject => {
    let object: JsonObject = { end: 'here' };
    for (let level = 1; level < depth; level += 1) object = { in: object };
    return object;
  };
  const called = (input: JsonObject): readonly HarnessEvent[] => [
    { type: 'tool-call', id: 'one', name: 'Bash', server: 'agent', input },
    { type: 'tool-result', id: 'one', content: [], isError: false },
    { type: 'caller-tool-call', id: 'toolu_1', name: 'ask', input },
    ...textBlock('done'),
  ];

  it('strings: an input nested 200 levels deep arrives complete', async () => {
    const input = nested(200);
    const { message } = await server.answer('deep', (run) => run.end(...called(input)));
    expect(message.content).toMatchObject([{ input }, {}, { input }, {}]);
  });

  it.each(['mcp', 'server', 'text'])(
    'strings: an input nested too deep for JSON breaks neither its turn nor others (%s)',
    async (form) => {
      const { stream: other, run } = await server.held(`beside ${form}`);
      const headers = { 'x-chiron-tool-blocks': form };
      const { message } = await server.answer(
        `too deep ${form}`,
        (deep) => deep.end(...called(nested(20_000))),
        {},
        headers,
      );
      expect(message.content.at(-1)).toMatchObject({ text: 'done' });
      expect(message.stop_reason).toBe('end_turn');
      run.answer('undisturbed');
      expect((await other.done()).said).toBe('undisturbed');
    },
  );
});

describe('text that is truncated', () => {
  const cutting = new ConformanceServer({ toolOutputLimit: 100 });

  /** Only surrogate pairs: a cut at an odd offset would split one. */
  const globes = (before: string): string => `${before}${'🌍'.repeat(10_000)}`;
  /** How JSON escapes a lone surrogate, and nothing else. */
  const HALF = /\\ud[89a-f]/i;

  it.each(['', 'x'])('strings: a tool’s output is truncated between characters, in every form (%j)', async (before) => {
    for (const form of ['mcp', 'server', 'text']) {
      const { whole } = await cutting.answer(
        `cut output ${form} ${before}`,
        (run) =>
          run.end(
            { type: 'tool-call', id: 'one', name: 'Bash', server: 'agent', input: { command: globes(before) } },
            { type: 'tool-result', id: 'one', content: [{ type: 'text', text: globes(before) }], isError: false },
          ),
        {},
        { 'x-chiron-tool-blocks': form },
      );
      expect(whole.text).toContain('more characters]');
      expect(whole.text).not.toMatch(HALF);
    }
  });

  it.each(['', 'x'])(
    'strings: tool output that seeds a new agent is truncated between characters (%j)',
    async (before) => {
      const prompt = `after long outputs ${before}`;
      const messages = [
        { role: 'user', content: 'look' },
        {
          role: 'assistant',
          content: [{ type: 'tool_use', id: 'toolu_1', name: 'Read', input: { path: globes(before) } }],
        },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: globes(before) }] },
        { role: 'assistant', content: 'I see.' },
        { role: 'user', content: prompt },
      ];
      await server.post(ask('', { messages })).expect(200);
      const told = JSON.stringify(server.harness.runsOf(prompt)[0]?.turn.seed);
      expect(told).toContain('🌍');
      expect(told).not.toMatch(HALF);
    },
  );

  it.each(['', 'x'])(
    'strings: a title, and a name in an error, are truncated between characters (%j)',
    async (before) => {
      const format = { type: 'json_schema', schema: { type: 'object', properties: { title: { type: 'string' } } } };
      const title = ask(globes(before), { tools: [], output_config: { format } });
      const { text: titled } = await server.post(title, CLAUDE_CODE).expect(200);
      const { text: unknown } = await server
        .post(ask('hi', { model: `codex/${before}${'🌍'.repeat(120)}` }))
        .expect(404);
      for (const text of [titled, unknown]) {
        expect(text).toContain('🌍…');
        expect(text).not.toMatch(HALF);
      }
    },
  );
});

describe('the input of a caller', () => {
  it.each(Object.entries(ODD_STRINGS).filter(([name]) => name !== 'a system reminder' && !name.startsWith('NUL')))(
    'strings: %s reach the agent unchanged, and the conversation is recognised',
    async (name, text) => {
      const body = server.conversation(`${name}: ${text}.`);
      const one = await server.post(body, thread(name)).expect(200);
      const again = await server.post(body, thread(name)).expect(200);
      expect(again.body).toEqual(one.body);
      expect(server.harness.runsOf(`${name}: ${text}.`)).toHaveLength(1);
    },
  );

  it('strings: a stop sequence of unusual characters is found, wherever the text is split', async () => {
    const prompt = 'stops at a globe';
    server.plays(prompt, (run) => run.say(delta('one \uD83C'), delta('\uDF0D two')));
    const response = await server.post(ask(prompt, { stop_sequences: ['🌍'] })).expect(200);
    expect(response.body).toMatchObject({
      content: [{ text: 'one ' }],
      stop_reason: 'stop_sequence',
      stop_sequence: '🌍',
    });
  });
});
