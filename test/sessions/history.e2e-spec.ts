import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, thread } from '../support/requests.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

interface Page {
  readonly turns: readonly {
    readonly sequence: number;
    readonly prompt: readonly object[];
    readonly answer: readonly object[];
  }[];
  readonly next_before: number | null;
}

async function pageOf(key: string, query = ''): Promise<Page> {
  const url = `/api/session/${encodeURIComponent(key)}/history${query}`;
  return (await supertest(app.url).get(url).expect(200)).body as Page;
}

describe('the history of a session', () => {
  it('has the turns of all clients with what was said and answered, page by page from its end', async () => {
    app.harness.onRun = (run) => run.answer(`answer to ${run.turn.prompt.length}`);
    for (const text of ['one', 'two', 'three'])
      await supertest(app.url).post('/v1/messages').set(thread('paged')).send(ask(text)).expect(200);
    const last = await pageOf('test:paged', '?limit=2');
    expect(last).toMatchObject({
      turns: [
        { sequence: 3, status: 'completed', client: 'sdk', prompt: [{ text: 'three' }], error: null },
        { sequence: 2, answer: [{ type: 'text', text: 'answer to 1' }] },
      ],
      next_before: 2,
    });
    const first = await pageOf('test:paged', `?limit=2&before=${last.next_before}`);
    expect(first).toMatchObject({ turns: [{ sequence: 1, prompt: [{ text: 'one' }] }], next_before: null });
  });

  it('shows what the agent did as blocks, as lines, or not at all, and never its thinking', async () => {
    app.harness.onRun = (run) => {
      run.say(
        { type: 'thinking-delta', id: 't', text: 'hm' },
        { type: 'block-end', id: 't' },
        { type: 'tool-call', id: 'c', name: 'Bash', server: 'agent', input: { command: 'ls' } },
        { type: 'tool-result', id: 'c', content: [{ type: 'text', text: 'a.txt' }], isError: false },
      );
      run.answer('One file.');
    };
    await supertest(app.url).post('/v1/messages').set(thread('tools')).send(ask('look')).expect(200);
    const typesOf = async (form: string) =>
      (await pageOf('test:tools', `?tool_blocks=${form}`)).turns[0]?.answer.map((block) => Reflect.get(block, 'type'));
    expect(await typesOf('mcp')).toEqual(['mcp_tool_use', 'mcp_tool_result', 'text']);
    expect(await typesOf('none')).toEqual(['text']);
    const lines = await pageOf('test:tools', '?tool_blocks=text');
    expect(lines.turns[0]?.answer).toMatchObject([
      { type: 'text', text: 'Bash(ls)\n```text\n⎿  a.txt\n```' },
      { type: 'text', text: 'One file.' },
    ]);
  });

  it('has calls of the caller’s tools and their results, and as lines only the calls', async () => {
    const call = { id: 'toolu_1', name: 'weather', input: { city: 'Rome' } };
    app.harness.onRun = (run) => {
      if (run.turn.toolResults !== undefined) return run.answer('Sunny.');
      run.say({ type: 'caller-tool-call', ...call }, { type: 'turn-end', reason: 'tool_use' });
    };
    const tools = [{ name: 'weather', input_schema: { type: 'object' } }];
    const question = { role: 'user', content: 'weather?' };
    const asked = { role: 'assistant', content: [{ type: 'tool_use', ...call }] };
    const result = { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: 'sun' }] };
    for (const messages of [[question], [question, asked, result]])
      await supertest(app.url).post('/v1/messages').set(thread('calls')).send(ask('', { messages, tools })).expect(200);
    expect((await pageOf('test:calls')).turns).toMatchObject([
      { prompt: [{ type: 'tool_result', tool_use_id: 'toolu_1' }], answer: [{ text: 'Sunny.' }] },
      { prompt: [{ text: 'weather?' }], answer: [{ type: 'tool_use', name: 'weather' }] },
    ]);
    expect((await pageOf('test:calls', '?tool_blocks=text')).turns).toMatchObject([
      { prompt: [], answer: [{ text: 'Sunny.' }] },
      { answer: [{ type: 'text', text: expect.stringMatching(/^weather\(.*Rome/) as string }] },
    ]);
  });

  it.each(['limit=0', 'limit=21', 'limit=x', 'before=-1', 'before=x', 'tool_blocks=auto', 'limit=1&limit=2'])(
    'cannot be asked for with %s',
    async (query) => {
      await supertest(app.url).get(`/api/session/test%3Apaged/history?${query}`).expect(400);
    },
  );

  it('is a 404 for a thread that is not there', async () => {
    await supertest(app.url).get('/api/session/test%3Anobody/history').expect(404);
  });
});
