import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Sandbox } from '../../src/sandbox/sandbox.js';
import { SideThreadRemover } from '../../src/turns/cleanup/side-thread-remover.js';
import { ask } from '../support/requests.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const CLAUDE_CODE = { 'user-agent': 'claude-cli/2.1.330 (external, cli)', 'x-claude-code-session-id': 'S' };
const SCHEMA = { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'integer' } } };

describe('the thread of a side request', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
    app.harness.onRun = (run) => run.answer(run.turn.outputSchema === undefined ? 'fine' : '{"a":1}');
  });

  afterAll(() => app.close());

  const side = (text: string, more: Readonly<Record<string, unknown>> = {}) =>
    supertest(app.url).post('/v1/messages').set(CLAUDE_CODE).send(ask(text, more));
  const folders = (): number => {
    const threads = join(app.dataDirectory, 'threads');
    return existsSync(threads) ? readdirSync(threads).length : 0;
  };

  it('has an agent without tools, which follows the schema of the request', async () => {
    const output_config = { format: { type: 'json_schema', schema: SCHEMA } };
    const response = await side('two numbers', { output_config }).expect(200, /\{\\"a\\":1\}/);
    expect(response.headers['x-chiron-thread-key']).toMatch(/^side:/);
    const [run] = app.harness.runsOf('two numbers');
    expect(run?.thread.tools).toBe('none');
    expect(run?.turn.outputSchema).toEqual(SCHEMA);
  });

  it('is removed with its folders after its retention period; other threads stay', async () => {
    await supertest(app.url)
      .post('/v1/messages')
      .set('x-chiron-thread-key', 'side:by-name')
      .send(ask('mine'))
      .expect(200);
    await side('in passing').expect(200);
    const remover = app.app.get(SideThreadRemover);
    const before = await app.count('threads');
    await remover.remove(Date.now());
    expect(await app.count('threads')).toBe(before);
    await remover.remove(Date.now() + 3_600_000);
    expect(await app.count('threads')).toBe(1);
    expect(folders()).toBe(1);
  });

  it('is removed even if the removal of another side thread fails', async () => {
    const remover = app.app.get(SideThreadRemover);
    const before = await app.count('threads');
    for (const text of ['a first', 'a second', 'a third']) await side(text).expect(200);
    const remove = vi.spyOn(app.app.get<Sandbox>(Sandbox), 'remove').mockRejectedValueOnce(new Error('EBUSY'));
    await remover.remove(Date.now() + 3_600_000);
    expect(await app.count('threads')).toBe(before + 1);
    remove.mockRestore();
    await remover.remove(Date.now() + 3_600_000);
    expect(await app.count('threads')).toBe(before);
  });
});
