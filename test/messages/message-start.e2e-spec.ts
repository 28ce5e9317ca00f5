import { afterEach, describe, expect, it, vi } from 'vitest';
import { EventLog } from '../../src/storage/event-log/event-log.js';
import type { Message } from '../../src/anthropic/stream-event.js';
import { skipAhead } from '../support/clock.js';
import { eventually } from '../support/eventually.js';
import { converse, thread } from '../support/requests.js';
import { modelCall, textBlock } from '../support/scripted-harness.js';
import { SseClient } from '../support/sse-client.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

afterEach(() => {
  vi.restoreAllMocks();
});

const body = (...texts: readonly string[]) => converse(['before', 'I see.', ...texts], { stream: true });

describe('two readers of one turn', () => {
  it.each([
    ['a new thread', false],
    ['a thread with a context', true],
  ])('get the same message_start whenever they come: %s', async (name, hasContext) => {
    let app = await startTestApp();
    const earlier = hasContext ? ['the turn before', 'done'] : [];
    const open = (prompt: string) => SseClient.post(app.url, body(...earlier, prompt), thread(name));
    const start = async (): Promise<unknown> => (await open('twice').done()).events[0];
    const restarted = async (earlier: TestApp): Promise<TestApp> => {
      await earlier.close({ keepData: true });
      return startTestApp({ dataDirectory: earlier.dataDirectory });
    };
    if (hasContext) {
      const before = SseClient.post(app.url, body('the turn before'), thread(name));
      (await app.harness.run('the turn before')).answer('done');
      await before.done();
    }
    // It comes early, and waits so long that its message begins before the agent has said anything.
    const patient = open('twice');
    const run = await app.harness.run('twice');
    skipAhead(1100);
    await patient.sees('message_start');
    run.say({ type: 'model-call-start', model: 'm', usage: { ...USAGE, inputTokens: 99 } });
    const late = open('twice');
    await late.sees('message_start');
    run.end(...modelCall(textBlock('hi'), USAGE));
    await Promise.all([patient.done(), late.done()]);

    const [first] = patient.events;
    expect(first).toMatchObject({
      message: { usage: { input_tokens: hasContext ? 12 : 0, output_tokens: 0, cache_creation: null } },
    });
    expect(late.events[0]).toEqual(first);
    expect(await start()).toEqual(first);
    app = await restarted(app);
    expect(await start()).toEqual(first);
    await app.app.get(EventLog).prune(Date.now() + 1);
    expect(await start()).toEqual(first);
    app = await restarted(app);
    expect(await start()).toEqual(first);

    // What the turn used is told at the end, the same in a stream and as a whole.
    const whole = await SseClient.post(app.url, { ...body(...earlier, 'twice'), stream: false }, thread(name)).done();
    const { usage }: Message = JSON.parse(whole.text);
    expect(patient.events.at(-2)).toMatchObject({ type: 'message_delta', usage });
    expect(usage).toMatchObject({ input_tokens: 31, output_tokens: 32, cache_read_input_tokens: 33 });
    await app.close();
  });

  it('get it also when the turn resumes after a restart', async () => {
    const before = await startTestApp();
    const first = SseClient.post(before.url, body('goes on'), thread('goes on'));
    (await before.harness.run('goes on')).say(...modelCall(textBlock('one '), USAGE));
    await first.sees('one ');
    await before.close({ keepData: true });
    await first.done();

    const app = await startTestApp({ dataDirectory: before.dataDirectory });
    const second = SseClient.post(app.url, body('goes on'), thread('goes on'));
    (await app.harness.run('goes on')).end(...modelCall(textBlock('two', 'b'), USAGE));
    await second.done();
    expect(second.said).toBe('one two');
    expect(second.events[0]).toEqual(first.events[0]);
    await app.close();
  });

  it('get it also when it waits in the queue behind a turn that changes the context', async () => {
    const app = await startTestApp();
    const open = (prompt: string) => SseClient.post(app.url, body(prompt), thread('queued'));
    open('in front');
    const front = await app.harness.run('in front');
    const waiting = open('behind');
    await eventually(() => app.count('turns')).toBe(2);
    skipAhead(1100);
    await waiting.sees('message_start');
    front.end(...modelCall(textBlock('done'), USAGE));
    const run = await app.harness.run('behind');
    const late = open('behind');
    run.answer('hi');
    await Promise.all([waiting.done(), late.done()]);
    expect(late.events[0]).toEqual(waiting.events[0]);
    await app.close();
  });
});

const USAGE = {
  inputTokens: 31,
  outputTokens: 32,
  cacheReadInputTokens: 33,
  cacheCreationInputTokens: 34,
  thinkingTokens: 5,
};
