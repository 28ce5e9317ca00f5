import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { type Answer, ask } from './support/caller.js';
import { TestCluster } from './support/cluster.js';

let cluster: TestCluster;
let g1: string;
let g2: string;

beforeAll(async () => {
  cluster = await TestCluster.start();
  g1 = cluster.server('g1').url;
  g2 = cluster.server('g2').url;
});

afterAll(() => cluster.close());

async function call(
  url: string,
  method: string,
  path: string,
  body?: object,
): Promise<{ status: number; json: unknown }> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, json: text === '' ? undefined : JSON.parse(text) };
}

const lines = (file: string): number => readFileSync(file, 'utf8').split('\n').length - 1;

describe('two gateways and two workers', () => {
  it('answer through any gateway, and keep the thread on its worker', async () => {
    const first = await ask(g1, '!echo one > note; echo $CENTAUR_THREAD_KEY', { thread: 'kept' });
    expect(first.results).toEqual(['test:kept']);
    const second = await ask(g2, '!cat note', { thread: 'kept' });
    expect(second.results).toEqual(['one']);
  });

  it('spread new threads over the workers', async () => {
    const workersOf = async (prefix: string): Promise<readonly string[]> => {
      const rows = await cluster.query(
        `select distinct nodes.name from threads join nodes on nodes.id = threads.node where key like 'test:${prefix}-%'`,
      );
      return rows.map(({ name }) => String(name)).toSorted();
    };
    // A gateway learns of a worker that has just started with its next heartbeat.
    let round = 0;
    const askTwo = async (): Promise<readonly string[]> => {
      round += 1;
      await Promise.all(['a', 'b'].map((name) => ask(g1, '!sleep 0.2', { thread: `known-${round}${name}` })));
      return workersOf('known');
    };
    await expect.poll(askTwo, { timeout: 30_000 }).toEqual(['w1', 'w2']);
    await Promise.all(Array.from({ length: 8 }, (_, index) => ask(g1, '!sleep 2', { thread: `spread-${index}` })));
    expect(await workersOf('spread')).toEqual(['w1', 'w2']);
  });

  it.each([
    ['with a named thread', 'same'],
    ['without one', undefined],
  ])('make one turn of the same request that comes to both at once: %s', async (_, thread) => {
    const file = cluster.mark(`once-${thread ?? 'unnamed'}`);
    const asked = thread === undefined ? {} : { thread };
    const answers = await Promise.all(
      [g1, g2, g1, g2].map((url) => ask(url, `!echo once >> ${file}; sleep 1; echo done`, asked)),
    );
    expect(new Set(answers.map(({ messageId }) => messageId)).size).toBe(1);
    expect(lines(file)).toBe(1);
  });

  it('show a turn live through both, to several readers of each, each event once', async () => {
    const text = '!for i in 1 2 3 4 5 6; do echo line $i; sleep 0.3; done';
    const seen: string[] = [];
    const first = ask(g1, text, { thread: 'live', onText: (raw) => seen.push(raw) });
    await cluster.holderOf('test:live');
    const others = [g1, g2, g2, g2].map((url) => ask(url, text, { thread: 'live' }));
    const answers = await Promise.all([first, ...others]);
    const strip = ({ raw }: Answer): string => raw.replaceAll(/event: ping\ndata: .*\n\n/g, '');
    expect(new Set(answers.map(strip)).size).toBe(1);
    // It did not come in one piece at the end.
    expect(seen.length).toBeGreaterThan(1);
  });

  it('take the same words for a new message as soon as an answer has come through the other gateway', async () => {
    const ids: string[] = [];
    for (let round = 0; round < 30; round += 1)
      ids.push((await ask([g1, g2][round % 2] ?? g1, 'Go on', { thread: 'repeated' })).messageId);
    expect(new Set(ids).size).toBe(30);
  });

  it('give a retry the one of two equal turns that nobody waits for, if the other caller is at the other gateway', async () => {
    const ask2 = (url: string, attempt: number, signal?: AbortSignal): Promise<Response> =>
      fetch(`${url}/v1/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-stainless-retry-count': String(attempt) },
        body: JSON.stringify({
          model: 'demo',
          max_tokens: 100,
          stream: true,
          messages: [{ role: 'user', content: '/stream 40 100' }],
        }),
        ...(signal === undefined ? {} : { signal }),
      });
    const read = async (response: Response): Promise<string> =>
      /"id":"(msg_[^"]+)"/.exec(await response.text())?.[1] ?? 'none';
    for (const isFirstLost of [true, false]) {
      const lost = new AbortController();
      const breaks = isFirstLost ? [lost, undefined] : [undefined, lost];
      const [one, other] = [await ask2(g1, 0, breaks[0]?.signal), await ask2(g1, 0, breaks[1]?.signal)];
      const kept = isFirstLost ? other : one;
      lost.abort();
      const [waited, retried] = await Promise.all([read(kept), ask2(g2, 1).then(read)]);
      expect(retried).toMatch(/^msg_/);
      expect(retried).not.toBe(waited);
    }
    const [row] = await cluster.query(
      `select count(*)::int as turns from turns where prompt::text like '%/stream 40 100%'`,
    );
    expect(row).toEqual({ turns: 4 });
  });

  it('interrupt a turn that another server runs, and say what happened', async () => {
    const file = cluster.mark('interrupted');
    const caller = ask(g1, `!sleep 30; echo never >> ${file}`, { thread: 'interrupted' });
    await cluster.holderOf('test:interrupted');
    const interrupted = await call(g2, 'POST', '/api/session/test%3Ainterrupted/interrupt');
    expect(interrupted.status).toBe(200);
    await caller.catch(() => undefined);
    const [turn] = await cluster.query(
      `select turns.state from turns join threads on threads.id = thread_id where key = 'test:interrupted'`,
    );
    expect(turn).toEqual({ state: 'cancelled' });
    expect(lines(file)).toBe(0);
  });

  it('queue the next message behind a turn that was asked through the other gateway, in order', async () => {
    const file = cluster.mark('order');
    const first = ask(g1, `!sleep 1; echo 1 >> ${file}`, { thread: 'order' });
    await cluster.holderOf('test:order');
    const second = ask(g2, `!echo 2 >> ${file}`, { thread: 'order' });
    await Promise.all([first, second]);
    expect(readFileSync(file, 'utf8')).toBe('1\n2\n');
  });

  it('hand an appended message to the turn that another server runs', async () => {
    await call(g1, 'POST', '/api/session/test%3Asteered', { harness_type: 'demo' });
    const execution = await call(g1, 'POST', '/api/session/test%3Asteered/execute', {
      input_lines: [JSON.stringify({ type: 'user', message: { role: 'user', content: '!sleep 2; echo first' } })],
    });
    expect(execution.status).toBeLessThan(300);
    await cluster.holderOf('test:steered');
    const appended = await call(g2, 'POST', '/api/session/test%3Asteered/messages', {
      messages: [{ role: 'user', parts: [{ type: 'text', text: '!echo steered' }] }],
    });
    expect(appended.status).toBeLessThan(300);
    const heard = async (): Promise<readonly Record<string, unknown>[]> =>
      cluster.query(
        `select count(*)::int as turns, (select count(*)::int from session_messages where heard_at is not null
            and thread_id = threads.id) as heard
          from threads join turns on turns.thread_id = threads.id where key = 'test:steered' group by threads.id`,
      );
    // Not the next turn: the one that was running.
    await expect.poll(heard, { timeout: 20_000 }).toEqual([{ turns: 1, heard: 1 }]);
  });

  it.each(['as a message', 'as results of an execution'])(
    'give the agent that waits for its caller’s tools their results through another gateway, %s',
    async (form) => {
      const key = `test:parked-${form.length}`;
      const tools = [{ name: 'look', input_schema: { type: 'object' } }];
      const first = { role: 'user', content: '/call look {"at":"it"}\nseen' };
      const send = async (url: string, messages: readonly object[]): Promise<string> => {
        const response = await fetch(`${url}/v1/messages`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-chiron-thread-key': key },
          body: JSON.stringify({ model: 'demo', max_tokens: 1000, tools, messages }),
        });
        return response.text();
      };
      const { content, stop_reason } = JSON.parse(await send(g1, [first]));
      expect(stop_reason).toBe('tool_use');
      const [{ id }] = content;
      const path = `/api/session/${encodeURIComponent(key)}`;
      if (form === 'as a message') {
        const result = { type: 'tool_result', tool_use_id: id, content: 'a tree' };
        const answer = await send(g2, [first, { role: 'assistant', content }, { role: 'user', content: [result] }]);
        expect(answer).toContain('The tool returned: a tree');
      } else {
        const [row] = await cluster.query(
          `select turns.id from turns join threads on threads.id = thread_id where key = $1`,
          [key],
        );
        const execution = `exe_${String(row?.['id']).replaceAll('-', '')}`;
        const results = [{ tool_use_id: id, content: 'a tree' }];
        const answered = await call(g2, 'POST', `${path}/executions/${execution}/answer`, { results });
        expect(answered.status, JSON.stringify(answered.json)).toBeLessThan(300);
      }
      const ended = async () =>
        cluster.query(
          `select count(*)::int as turns, max(attempt) as attempts from turns join threads on threads.id = thread_id
            where key = $1 and turns.state = 'completed'`,
          [key],
        );
      await expect.poll(ended, { timeout: 20_000 }).toEqual([{ turns: 2, attempts: 1 }]);
    },
  );

  it('remove a thread with its files on another server', async () => {
    await ask(g1, '!echo here > file', { thread: 'removed' });
    const [row] = await cluster.query(`select id from threads where key = 'test:removed'`);
    const folders = ['w1', 'w2'].map((name) => cluster.file(`${name}/data/threads/${String(row?.['id'])}`));
    expect(folders.filter(existsSync)).toHaveLength(1);
    expect((await call(g2, 'DELETE', '/api/session/test%3Aremoved')).status).toBeLessThan(300);
    expect(folders.filter(existsSync)).toHaveLength(0);
    expect(await cluster.query(`select id from threads where key = 'test:removed'`)).toEqual([]);
  });

  it('refuse calls between servers without the secret', async () => {
    const { port } = cluster.server('w1').peers;
    for (const headers of [{}, { authorization: 'Bearer wrong' }]) {
      const answer = await fetch(`http://127.0.0.1:${port}/calls/stop-thread`, { method: 'POST', headers, body: '{}' });
      expect(answer.status).toBe(401);
    }
  });

  it('serve only health checks on a worker', async () => {
    const { url } = cluster.server('w1');
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await call(url, 'POST', '/v1/messages', { model: 'demo' })).status).toBe(404);
    await eventually(() => cluster.server('w1').start.output()).toContain('address');
  });
});
