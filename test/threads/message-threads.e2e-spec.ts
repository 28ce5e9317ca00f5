import supertest, { type Response } from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPromptText } from '../../src/domain/prompt.js';
import { eventually } from '../support/eventually.js';
import { ask, converse, thread } from '../support/requests.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

describe('a message thread', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp({ apiKeys: [] });
  });

  afterAll(() => app.close());

  const post = (body: object, headers: Readonly<Record<string, string>> = {}) =>
    supertest(app.url).post('/v1/messages').set(headers).send(body);
  const create = { thread: { type: 'create' } };
  const goOn = (id: unknown, content: string, more: object = {}) =>
    ask(content, { thread: { type: 'continue', previous_message_id: id }, ...more });
  const idOf = (response: Response): string => (response.body as { readonly id: string }).id;
  const answersAll = () => {
    app.harness.onRun = (run) =>
      run.answer(
        run.turn.outputSchema === undefined
          ? `answer to ${readPromptText(run.turn.prompt)}`
          : JSON.stringify({ to: readPromptText(run.turn.prompt) }),
      );
  };
  const refusal = (status: number, type: string, code: string) => (response: Response) => {
    expect(response.status).toBe(status);
    expect(response.body).toMatchObject({ error: { type, details: { error_code: code } } });
  };

  it('continues from an answer’s id with only the new message', async () => {
    answersAll();
    const first = await post(ask('one', create)).expect(200);
    const second = await post(goOn(idOf(first), 'two')).expect(200);
    const third = await post(
      goOn(idOf(second), 'three', { system: 'You are.', tools: [{ name: 'Bash', input_schema: { type: 'object' } }] }),
    ).expect(200);
    expect(second.headers['x-chiron-thread-key']).toBe(first.headers['x-chiron-thread-key']);
    const runs = ['one', 'two', 'three'].map((prompt) => app.harness.runsOf(prompt)[0]);
    expect(new Set(runs.map((run) => run?.thread.id)).size).toBe(1);
    expect(runs.map((run) => run?.turn.turnIndex)).toEqual([0, 1, 2]);
    expect(third.body).toMatchObject({ content: [{ text: 'answer to three' }] });
  });

  it('has one turn and one answer for identical continuations', async () => {
    answersAll();
    const first = await post(ask('start once', create)).expect(200);
    const [one, other] = await Promise.all([post(goOn(idOf(first), 'go on')), post(goOn(idOf(first), 'go on'))]);
    const late = await post(goOn(idOf(first), 'go on'));
    expect([idOf(other), idOf(late)]).toEqual([idOf(one), idOf(one)]);
    expect(app.harness.runsOf('go on')).toHaveLength(1);
  });

  it('recognises a continuation that its caller retries with the full conversation', async () => {
    app.harness.onRun = () => undefined;
    const opening = post(ask('whole one', create)).then((response) => response);
    (await app.harness.run('whole one')).answer('first answer');
    const first = await opening;
    const going = post(goOn(idOf(first), 'whole two')).then((response) => response);
    const run = await app.harness.run('whole two');
    const whole = converse(['whole one', 'first answer', 'whole two'], { ...create, stream: true });
    // The headers arrive once the request has attached to a turn or started one.
    const replayed = await fetch(`${app.url}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(whole),
    });
    run.answer('second answer');
    expect(await replayed.text()).toContain(idOf(await going));
    expect(app.harness.runsOf('whole two')).toHaveLength(1);
  });

  it('can be continued once: a second message after the same answer is an error', async () => {
    answersAll();
    const first = await post(ask('continued once', create)).expect(200);
    await post(goOn(idOf(first), 'this way')).expect(200);
    await post(goOn(idOf(first), 'that way')).expect(refusal(400, 'invalid_request_error', 'thread_already_continued'));
    expect(app.harness.runsOf('that way')).toEqual([]);
  });

  it('accepts the same message again after its turn failed', async () => {
    answersAll();
    const first = await post(ask('before a failure', create)).expect(200);
    app.harness.onRun = (run) => run.fail('overloaded');
    await post(goOn(idOf(first), 'unlucky')).expect(529);
    answersAll();
    await post(goOn(idOf(first), 'unlucky')).expect(200, /answer to unlucky/);
  });

  it('queues another message while a turn is running', async () => {
    answersAll();
    const first = await post(ask('busy', create)).expect(200);
    app.harness.onRun = () => undefined;
    const slow = post(goOn(idOf(first), 'slow one')).then((response) => response);
    const run = await app.harness.run('slow one');
    const turns = await app.count('turns');
    const next = post(goOn(idOf(first), 'next one')).then((response) => response);
    await eventually(() => app.count('turns')).toBe(turns + 1);
    run.answer('slow answer');
    (await app.harness.run('next one')).answer('next answer');
    expect((await slow).text).toContain('slow answer');
    expect((await next).text).toContain('next answer');
  });

  it.each([
    ['an unknown id', 'msg_unknown'],
    ['an id that is not one', '{}'],
  ])('is not found by %s, and the error asks for the full conversation', async (_, id) => {
    await post(goOn(id, 'lost')).expect(refusal(404, 'not_found_error', 'thread_not_found'));
  });

  it('is found under its own thread key, and not under another one', async () => {
    answersAll();
    const first = await post(ask('named', create), thread('mine')).expect(200);
    const elsewhere = post(goOn(idOf(first), 'elsewhere'), thread('other'));
    await elsewhere.expect(refusal(404, 'not_found_error', 'thread_not_found'));
    await post(goOn(idOf(first), 'at home'), thread('mine')).expect(200);
  });

  it('is not found by an answer that its caller never received', async () => {
    app.harness.onRun = (run) => run.fail('internal');
    const failed = await post(ask('failing', create), thread('failing')).expect(500);
    expect(failed.body).not.toHaveProperty('id');
  });

  it('rejects a model other than the one that it was created with', async () => {
    answersAll();
    const first = await post(ask('a model', create)).expect(200);
    const other = goOn(idOf(first), 'another model', { model: 'claude-haiku-5-5' });
    await post(other).expect(refusal(400, 'invalid_request_error', 'thread_fingerprint_mismatch'));
  });

  it('distinguishes a structured answer from free text', async () => {
    answersAll();
    const format = { type: 'json_schema', schema: { type: 'object' } };
    const first = await post(ask('schema', create)).expect(200);
    const free = await post(goOn(idOf(first), 'same words')).expect(200);
    const asJson = await post(goOn(idOf(free), 'same words', { output_config: { format } })).expect(200);
    expect(asJson.body).toMatchObject({ content: [{ type: 'text', text: '{"to":"same words"}' }] });
    await post(goOn(idOf(asJson), 'after the schema')).expect(200, /answer to after the schema/);
  });

  it.each([
    ['thread', { thread: 'create' }],
    ['thread.type', { thread: { type: 'resume' } }],
    ['thread.previous_message_id', { thread: { type: 'continue' } }],
    ['thread.previous_message_id', { thread: { type: 'continue', previous_message_id: 7 } }],
    ['messages', { thread: { type: 'continue', previous_message_id: 'msg_1' }, messages: [] }],
  ])('is rejected when %s is malformed, and leaves nothing in the store', async (field, more) => {
    const before = await app.count('turns');
    const response = await post(ask('bad', more)).expect(400);
    expect(response.body).toMatchObject({ error: { type: 'invalid_request_error' } });
    expect(response.text).toContain(field);
    expect(await app.count('turns')).toBe(before);
  });
});

describe('a message thread under the reject policy', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp({ onBusy: 'reject' });
  });

  afterAll(() => app.close());

  it('reports that another continuation of the answer is in progress', async () => {
    app.harness.onRun = (run) => (readPromptText(run.turn.prompt) === 'slow' ? undefined : run.answer('fine'));
    const post = (body: object) => supertest(app.url).post('/v1/messages').send(body);
    const first = await post(ask('first', { thread: { type: 'create' } })).expect(200);
    const { id } = first.body as { readonly id: string };
    const goOn = (content: string) => ask(content, { thread: { type: 'continue', previous_message_id: id } });
    const slow = post(goOn('slow')).then((response) => response);
    const run = await app.harness.run('slow');
    const other = await post(goOn('other')).expect(400);
    expect(other.body).toMatchObject({ error: { details: { error_code: 'thread_continue_in_flight' } } });
    run.answer('done');
    expect((await slow).status).toBe(200);
  });
});

describe('a message thread of one tenant', () => {
  let app: TestApp;

  beforeAll(async () => {
    const keys = await import('../../src/config/app-config.js');
    const { apiKeys } = keys.readConfig({
      CHIRON_API_KEYS: 'one:key-one-that-is-long-enough,two:key-two-that-is-long-enough',
    });
    app = await startTestApp({ apiKeys });
    app.harness.onRun = (run) => run.answer('fine');
  });

  afterAll(() => app.close());

  it('is not found by another tenant', async () => {
    const post = (key: string, body: object) =>
      supertest(app.url).post('/v1/messages').set('x-api-key', key).send(body);
    const first = await post('key-one-that-is-long-enough', ask('mine', { thread: { type: 'create' } })).expect(200);
    const { id } = first.body as { readonly id: string };
    const theft = ask('theft', { thread: { type: 'continue', previous_message_id: id } });
    const response = await post('key-two-that-is-long-enough', theft).expect(404);
    expect(response.body).toMatchObject({ error: { details: { error_code: 'thread_not_found' } } });
    await post('key-one-that-is-long-enough', theft).expect(200);
  });
});
