import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { LocalSandbox } from '../../sandbox/local/local.sandbox.js';
import type { HarnessEvent } from '../../domain/harness-event.js';
import type { HarnessSession, HarnessTurn } from '../harness.js';
import { DemoHarness } from './demo.harness.js';

const turn = (text: string, more: Partial<HarnessTurn> = {}): HarnessTurn => ({
  id: 'turn',
  prompt: [{ type: 'text', text }],
  attempt: 1,
  turnIndex: 0,
  ...more,
});

function textOf(events: readonly HarnessEvent[]): string {
  return events.flatMap((event) => (event.type === 'text-delta' ? [event.text] : [])).join('');
}

describe('the demo agent', () => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'chiron-demo-'));
  const sandbox = new LocalSandbox({ dataDirectory, workspaceTemplate: undefined, homeTemplate: undefined });
  const harness = new DemoHarness(sandbox);
  let session: HarnessSession;

  beforeAll(async () => {
    const folders = await sandbox.prepare('thread');
    const env = { MINE: 'yes' };
    session = harness.open({
      id: 'thread',
      folders,
      files: sandbox.files('thread'),
      model: undefined,
      systemPrompt: undefined,
      tools: 'all',
      sessionId: undefined,
      env,
    });
  });

  afterAll(async () => {
    await sandbox.close();
    rmSync(dataDirectory, { recursive: true });
  });

  const said = async (text: string, more: Partial<HarnessTurn> = {}): Promise<readonly HarnessEvent[]> =>
    (await lastValueFrom(session.run(turn(text, more)).pipe(toArray()))).flat();

  it('is always available and knows no model', async () => {
    expect(await harness.probe()).toBe('built in');
    expect(harness.knowsModel()).toBe(false);
  });

  describe('while it works', () => {
    const message = (id: string) => ({ id, prompt: [{ type: 'text', text: `word of ${id}` }] }) as const;
    const heard = (events: readonly HarnessEvent[]): readonly string[] =>
      events.flatMap((event) => (event.type === 'user-message' ? [event.id] : []));

    it('hears a further message at once, and no longer when it is done', async () => {
      const events = said('/sleep 0.2');
      expect(await session.steer?.(message('a'))).toBe(true);
      expect(textOf(await events)).toBe('Meanwhile you said: word of a\n\nSlept for 0.2 s.');
      expect(heard(await events)).toEqual(['a']);
      expect(await session.steer?.(message('b'))).toBe(false);
    });

    it('does not hear a message once it is interrupted', async () => {
      const events = said('/sleep 10');
      session.interrupt();
      expect(await session.steer?.(message('a'))).toBe(false);
      expect(heard(await events)).toEqual([]);
    });

    it('hears after a crash what it had not heard before it', async () => {
      const events = await said('hello', {
        attempt: 2,
        furtherMessages: [message('a'), message('b')],
        priorEvents: [{ type: 'user-message', id: 'a' }],
      });
      expect(heard(events)).toEqual(['b']);
      expect(textOf(events)).not.toContain('word of a');
    });
  });

  it('repeats the prompt and the number of the turn', async () => {
    const events = await said('good morning', { turnIndex: 4 });
    expect(textOf(events)).toMatch(/^This is turn 5 of this thread\. You said: good morning\n/);
    expect(events.at(0)).toEqual({ type: 'session-started', sessionId: 'thread' });
    expect(events.at(-1)).toEqual({ type: 'turn-end', reason: 'end_turn' });
  });

  it('shows the earlier conversation that its turn brings', async () => {
    const seed = [
      { role: 'user', content: [{ type: 'text', text: 'I am Ada' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'Hello Ada' }] },
    ] as const;
    expect(textOf(await said('/seed', { seed }))).toBe(
      '<user>\nI am Ada\n</user>\n<assistant>\nHello Ada\n</assistant>',
    );
    expect(textOf(await said('/seed'))).toBe('This turn has no earlier conversation.');
  });

  it('emits a thinking block if the prompt asks it to think', async () => {
    expect((await said('think about it')).map((event) => event.type)).toContain('thinking-delta');
    expect((await said('just say it')).map((event) => event.type)).not.toContain('thinking-delta');
  });

  it('runs a command and emits its stdout, stderr and exit status', async () => {
    const events = await said('!echo $MINE; echo wrong >&2; exit 3');
    const call = events.find((event) => event.type === 'tool-call');
    expect(call).toMatchObject({ name: 'shell', server: 'agent' });
    expect(events.find((event) => event.type === 'tool-result')).toMatchObject({
      id: call?.id,
      content: [{ type: 'text', text: 'yes\nwrong' }],
      isError: true,
    });
    expect(textOf(events)).toBe('The command failed with exit status 3.');
  });

  it('does not run a command again in a resumed turn', async () => {
    const events = await said('!echo again', { attempt: 2 });
    expect(events.some((event) => event.type === 'tool-call')).toBe(false);
    expect(textOf(events)).toContain('was not run again');
  });

  it('gives the call of an earlier attempt its result before the last text', async () => {
    const call: HarnessEvent = { type: 'tool-call', id: 'lost', name: 'shell', server: 'agent', input: {} };
    const events = await said('!echo again', { attempt: 2, priorEvents: [call] });
    const types = events.map(({ type }) => type);
    expect(types.indexOf('tool-result')).toBeLessThan(types.indexOf('text-delta'));
    expect(events.find((event) => event.type === 'tool-result')).toMatchObject({ id: 'lost', isError: true });
  });

  it('stops an interrupted command', async () => {
    const pids: string[] = [];
    const ended = lastValueFrom(session.run(turn('!echo $$ > pid; sleep 600')).pipe(toArray()));
    await expect
      .poll(async () => pids.push(textOfResult(await said('!cat pid'))) && pids.at(-1), { timeout: 5000 })
      .toMatch(/^\d+$/);
    session.interrupt();
    expect((await ended).flat().at(-1)).toEqual({ type: 'turn-end', reason: 'interrupted' });
    await expect.poll(() => isAlive(Number(pids.at(-1))), { timeout: 5000 }).toBe(false);
  });

  it('starts no command for a reader that leaves at its first events', async () => {
    const spawn = vi.spyOn(sandbox, 'spawn');
    await firstValueFrom(session.run(turn('!echo unheard')));
    expect(spawn).not.toHaveBeenCalled();
    spawn.mockRestore();
  });

  it('streams the requested number of words, in one batch or several', async () => {
    for (const prompt of ['/stream 10 0', '/stream 10 0 3', '/stream 10 1']) {
      expect(textOf(await said(prompt))).toBe(Array.from({ length: 10 }, (_, index) => `word${index} `).join(''));
    }
    const batches = await lastValueFrom(session.run(turn('/stream 10 0 3')).pipe(toArray()));
    expect(batches.map((batch) => batch.filter(({ type }) => type === 'text-delta').length).filter(Boolean)).toEqual([
      3, 3, 3, 1,
    ]);
  });

  it('stops streaming when the reader unsubscribes', async () => {
    const first = await firstValueFrom(session.run(turn('/stream 1000000 0 1')));
    expect(first.length).toBeGreaterThan(0);
    const events = await said('/stream 5 0');
    expect(textOf(events)).toBe('word0 word1 word2 word3 word4 ');
  });

  it('fails on /fail before it emits any content', async () => {
    const events = await said('/fail billing');
    expect(events.map((event) => event.type)).toEqual(['session-started', 'turn-failed']);
    expect(events.at(-1)).toMatchObject({ kind: 'billing' });
    expect((await said('/fail nonsense')).at(-1)).toMatchObject({ kind: 'internal' });
  });

  it('ends a long sleep on an interrupt', async () => {
    const ended = lastValueFrom(session.run(turn('/sleep 3600')).pipe(toArray()));
    session.interrupt();
    expect((await ended).flat().at(-1)).toEqual({ type: 'turn-end', reason: 'interrupted' });
  });
});

function textOfResult(events: readonly HarnessEvent[]): string {
  const result = events.find((event) => event.type === 'tool-result');
  const [content] = result?.content ?? [];
  return content?.type === 'text' ? content.text.trim() : '';
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
