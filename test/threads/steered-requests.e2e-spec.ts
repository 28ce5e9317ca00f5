import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPromptText } from '../../src/domain/prompt.js';
import { eventually } from '../support/eventually.js';
import { ask, converse, thread } from '../support/requests.js';
import type { ScriptedRun } from '../support/scripted-harness.js';
import { SseClient } from '../support/sse-client.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const STREAM = { stream: true };
let app: TestApp;

beforeAll(async () => {
  app = await startTestApp({ onBusy: 'steer' });
  app.harness.isSteerable = true;
});

afterAll(() => app.close());

const say = (
  prompt: string,
  name: string,
  {
    headers = {},
    ...more
  }: { readonly headers?: Readonly<Record<string, string>>; readonly [field: string]: unknown } = {},
): SseClient => SseClient.post(app.url, ask(prompt, { ...STREAM, ...more }), { ...thread(name), ...headers });

/** A thread with a running turn, and its caller. */
async function busy(prompt: string) {
  const caller = say(prompt, prompt);
  const run = await app.harness.run(prompt);
  run.text('begun. ', 'a');
  await caller.sees('begun');
  return { caller, run };
}

const promptsOf = (run: ScriptedRun): readonly string[] =>
  run.turn.prompt.map((block) => (block.type === 'text' ? block.text : block.type));

describe('a message on a busy thread under the steer policy', () => {
  it('is handed to the running turn, and its caller gets the whole message of that turn', async () => {
    const { caller, run } = await busy('steer 1');
    const second = say('and do this', 'steer 1');
    await eventually(() => run.steeredTexts).toEqual(['and do this']);
    // Not before it is certain which message answers it.
    expect(second.text).toBe('');
    run.hear();
    await second.sees('begun');
    run.end({ type: 'text-delta', id: 'b', text: 'both.' }, { type: 'block-end', id: 'b' });
    await Promise.all([caller.done(), second.done()]);
    expect(second.messageId).toBe(caller.messageId);
    expect(second.said).toBe(caller.said);
    expect(app.harness.runsOf('and do this')).toEqual([]);
  });

  it('attaches when it is retried, before and after the agent hears it', async () => {
    const { caller, run } = await busy('steer 2');
    const first = say('once', 'steer 2');
    await eventually(() => run.steeredTexts).toEqual(['once']);
    first.leave();
    const retry = say('once', 'steer 2');
    run.hear();
    await retry.sees('begun');
    const late = say('once', 'steer 2');
    await late.sees('begun');
    run.end();
    const callers = [await caller.done(), await retry.done(), await late.done()];
    expect(new Set(callers.map(({ messageId }) => messageId)).size).toBe(1);
    expect(run.steeredTexts).toEqual(['once']);
  });

  it('attaches by its idempotency key, whatever came later', async () => {
    const { caller, run } = await busy('steer 3');
    const headers = { 'idempotency-key': 'K-3' };
    const second = say('keyed', 'steer 3', { headers });
    await eventually(() => run.steeredTexts).toEqual(['keyed']);
    run.hear();
    run.end();
    await Promise.all([caller.done(), second.done()]);
    const next = say('next', 'steer 3');
    (await app.harness.run('next')).answer('fine');
    await next.done();
    expect((await say('keyed', 'steer 3', { headers }).done()).messageId).toBe(caller.messageId);
  });

  it('starts the next turn when the running one ends without hearing it', async () => {
    const { caller, run } = await busy('steer 4');
    const second = say('too late', 'steer 4');
    await eventually(() => run.steeredTexts).toEqual(['too late']);
    run.end();
    await caller.done();
    const next = await app.harness.run('too late');
    // Its words are there once.
    expect(promptsOf(next)).toEqual(['too late']);
    next.answer('on its own');
    expect((await second.done()).said).toBe('on its own');
    expect(second.messageId).not.toBe(caller.messageId);
  });

  it('is known to the agent when its caller resends the whole conversation later', async () => {
    const { caller, run } = await busy('steer history');
    const send = (...texts: readonly string[]): SseClient =>
      SseClient.post(app.url, { ...converse(texts), ...STREAM }, thread('steer history'));
    const second = send('steer history', 'begun. ', 'and that');
    await eventually(() => run.steeredTexts).toEqual(['and that']);
    run.hear();
    run.end({ type: 'text-delta', id: 'b', text: 'both.' }, { type: 'block-end', id: 'b' });
    await Promise.all([caller.done(), second.done()]);
    const third = send('steer history', 'begun. ', 'and that', 'both.', 'the third');
    const next = await app.harness.run('the third');
    expect(next.turn.seed).toBeUndefined();
    next.answer('fine');
    await third.done();
  });

  it('waits in the queue when the agent cannot be steered', async () => {
    app.harness.isSteerable = false;
    const { caller, run } = await busy('steer 5');
    app.harness.isSteerable = true;
    const second = say('waits', 'steer 5');
    await second.sees('message_start');
    run.end();
    await caller.done();
    (await app.harness.run('waits')).answer('then');
    expect((await second.done()).said).toBe('then');
  });

  it('waits in the queue when its answer must follow a schema', async () => {
    const { caller, run } = await busy('steer 6');
    const schema = { type: 'object', properties: {}, additionalProperties: false };
    const second = say('as JSON', 'steer 6', { output_config: { format: { type: 'json_schema', schema } } });
    await second.sees('message_start');
    expect(run.steered).toEqual([]);
    run.end();
    await caller.done();
    (await app.harness.run('as JSON')).answer('{}');
    await second.done();
  });

  it('still interrupts when its user interrupted the turn', async () => {
    const { caller, run } = await busy('steer 7');
    const history = ['steer 7', 'begun', '[Request interrupted by user for tool use]'];
    const next = SseClient.post(app.url, converse(history, STREAM), thread('steer 7'));
    await eventually(() => run.interrupted).toBe(true);
    expect(run.steered).toEqual([]);
    await caller.done();
    next.leave();
  });

  it('is heard once when a queued turn starts with it', async () => {
    const { caller, run } = await busy('steer 8');
    const schema = { type: 'object', properties: {}, additionalProperties: false };
    const queued = say('in the queue', 'steer 8', { output_config: { format: { type: 'json_schema', schema } } });
    await queued.sees('message_start');
    const second = say('given to the first', 'steer 8');
    await eventually(() => run.steeredTexts).toEqual(['given to the first']);
    run.end();
    await caller.done();
    await eventually(() => app.harness.runs.at(-1)?.turn.prompt.length).toBe(2);
    const next = app.harness.runs.at(-1);
    if (next === undefined) throw new Error('no run');
    expect(promptsOf(next)).toEqual(['in the queue', 'given to the first']);
    next.answer('{}');
    await Promise.all([queued.done(), second.done()]);
    expect(second.messageId).toBe(queued.messageId);
    expect(app.harness.runsOf('given to the first')).toEqual([]);
  });

  it('attaches after the turn has ended, as long as its own caller has not received the answer', async () => {
    const { caller, run } = await busy('steer 10');
    const second = say('what now', 'steer 10');
    await eventually(() => run.steeredTexts).toEqual(['what now']);
    second.leave();
    run.hear();
    run.end();
    await caller.done();
    const retry = await say('what now', 'steer 10').done();
    expect(retry.messageId).toBe(caller.messageId);
    // It has the answer now.
    const again = say('what now', 'steer 10');
    (await app.harness.run('what now')).answer('on its own');
    expect((await again.done()).said).toBe('on its own');
  });

  it('leaves the answer of its turn to the caller of that turn, which comes back after its end', async () => {
    const { caller, run } = await busy('steer 11');
    caller.leave();
    const second = say('meanwhile', 'steer 11');
    await eventually(() => run.steeredTexts).toEqual(['meanwhile']);
    run.hear();
    run.end();
    await second.done();
    const retry = await say('steer 11', 'steer 11').done();
    expect(retry.messageId).toBe(second.messageId);
    expect(app.harness.runsOf('steer 11')).toHaveLength(1);
  });

  it('is a new message when the same words come again after the answer', async () => {
    const { caller, run } = await busy('steer 9');
    const second = say('go on', 'steer 9');
    await eventually(() => run.steeredTexts).toEqual(['go on']);
    run.hear();
    run.end();
    await Promise.all([caller.done(), second.done()]);
    const third = say('go on', 'steer 9');
    (await app.harness.run('go on')).answer('on its own');
    expect((await third.done()).said).toBe('on its own');
  });
});

describe('a message that was handed to a turn before the server stopped', () => {
  it('attaches to that turn on the next server when it is retried', async () => {
    const first = await startTestApp({ onBusy: 'steer' });
    first.harness.isSteerable = true;
    const post = (url: string, prompt: string) => SseClient.post(url, ask(prompt, STREAM), thread('restart'));
    const caller = post(first.url, 'works long');
    const run = await first.harness.run('works long');
    const second = post(first.url, 'heard after all');
    await eventually(() => run.steeredTexts).toEqual(['heard after all']);
    await first.close({ keepData: true });
    await second.done();
    expect(second.status).toBe(503);
    await caller.done();
    const next = await startTestApp({ onBusy: 'steer', dataDirectory: first.dataDirectory });
    next.harness.isSteerable = true;
    const resumed = await next.harness.run('works long');
    const retry = post(next.url, 'heard after all');
    const messages = resumed.turn.furtherMessages ?? [];
    expect(messages.map(({ prompt }) => readPromptText(prompt))).toEqual(['heard after all']);
    resumed.say(...messages.map(({ id }) => ({ type: 'user-message' as const, id })));
    resumed.answer('both');
    expect((await retry.done()).said).toBe('both');
    expect(next.harness.runs).toHaveLength(1);
    await next.close();
  });
});
