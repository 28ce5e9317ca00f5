import supertest, { type Response } from 'supertest';
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest';
import { sampleFromSchema } from '../../../src/harness/demo/sample.js';
import { readPromptText } from '../../../src/domain/prompt.js';
import type { Message, StreamEvent } from '../../../src/anthropic/stream-event.js';
import { ask, converse, thread } from '../../support/requests.js';
import type { ScriptedHarness, ScriptedRun } from '../../support/scripted-harness.js';
import { SseClient } from '../../support/sse-client.js';
import { checkGrammar } from '../../support/stream-grammar.js';
import { startTestApp, type TestApp, type TestSettings } from '../../support/test-app.js';
import { foldStream } from './fold.js';
import { quickenClocks } from './quick-clocks.js';

/** What the scripted agent does with a prompt. */
type Play = (run: ScriptedRun) => void;
type Headers = Readonly<Record<string, string>>;

/** The answer of one turn, streamed and unstreamed. */
export interface Answer {
  /** The stream, read while the turn ran. */
  readonly stream: SseClient;
  readonly events: readonly StreamEvent[];
  /** The unstreamed answer of the same turn, requested after it. */
  readonly whole: Response;
  readonly message: Message;
}

/** A server for the tests of a file or a `describe`. Its agent answers `fine`, or a value of the request's schema, unless `plays` scripts it. */
export class ConformanceServer {
  #app: TestApp | undefined;
  readonly #plays = new Map<string, Play>();

  constructor(settings: TestSettings = {}) {
    quickenClocks();
    beforeAll(async () => {
      this.#app = await startTestApp(settings);
      this.harness.onRun = (run) => {
        const play = this.#plays.get(readPromptText(run.turn.prompt));
        const { outputSchema } = run.turn;
        if (play !== undefined) play(run);
        else run.answer(outputSchema === undefined ? 'fine' : JSON.stringify(sampleFromSchema(outputSchema, 'fine')));
      };
    });
    afterEach(() => {
      vi.restoreAllMocks();
    });
    afterAll(() => this.app.close());
  }

  get app(): TestApp {
    if (this.#app === undefined) throw new Error('the server runs only while tests run');
    return this.#app;
  }

  get url(): string {
    return this.app.url;
  }

  get harness(): ScriptedHarness {
    return this.app.harness;
  }

  /** Scripts what the agent does with a prompt. */
  plays(prompt: string, play: Play): void {
    this.#plays.set(prompt, play);
  }

  /** Lets the test drive the run of this prompt: the agent does nothing by itself. */
  waits(prompt: string): void {
    this.plays(prompt, () => undefined);
  }

  /** Sends a request, to be awaited. */
  post(body: object | string, headers: Headers = {}): supertest.Test {
    return supertest(this.url).post('/v1/messages').set('content-type', 'application/json').set(headers).send(body);
  }

  /** Sends a request without waiting for the answer. */
  open(body: object, headers: Headers = {}): SseClient {
    return SseClient.post(this.url, body, headers);
  }

  /** Opens a stream; returns it with its run, which the test drives. */
  async held(prompt: string, body: object = ask(prompt), headers: Headers = thread(prompt)) {
    this.waits(prompt);
    const stream = this.open({ ...body, stream: true }, headers);
    return { stream, run: await this.harness.run(prompt) };
  }

  /** A conversation that ends with a prompt. It has a history, so the same request again is a retry. */
  conversation(prompt: string, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
    return converse(['before', 'I see.', prompt], more);
  }

  /**
   * Reads one turn's answer twice, streamed and unstreamed. Expects that the stream follows the grammar and that both have the same
   * message.
   */
  async answer(
    prompt: string,
    play: Play,
    more: Readonly<Record<string, unknown>> = {},
    headers: Headers = {},
  ): Promise<Answer> {
    this.plays(prompt, play);
    const named = { ...thread(prompt), ...headers };
    const stream = await this.open(this.conversation(prompt, { ...more, stream: true }), named).done();
    expect([stream.status, stream.text.slice(0, 20)]).toEqual([200, 'event: message_start']);
    const { events } = stream;
    expect(checkGrammar(events)).toEqual([]);
    const whole = await this.post(this.conversation(prompt, more), named);
    expect([whole.status, whole.headers['content-type']]).toEqual([200, expect.stringMatching(/^application\/json/)]);
    const message = whole.body as Message;
    expect(foldStream(events)).toEqual(message);
    expect(this.harness.runsOf(prompt)).toHaveLength(1);
    return { stream, events, whole, message };
  }
}

/** The headers of Claude Code 2.1.330 with `-p`. */
export const CLAUDE_CODE: Headers = { 'user-agent': 'claude-cli/2.1.330 (external, sdk-cli)', 'x-app': 'cli' };

/** The message id of an answer. */
export const idOf = (response: Response): string => (response.body as { readonly id: string }).id;

/** Expects an error in Anthropic's envelope, with the same request id in its header and body. */
export function expectError(
  response: { readonly status?: number | undefined; readonly headers: unknown; readonly text: string },
  status: number,
  type: string,
  message: string | RegExp = /./,
): void {
  const id = (response.headers as Readonly<Record<string, string>>)['request-id'];
  expect(id).toMatch(/^req_[0-9a-f]{24}$/);
  expect([response.status, JSON.parse(response.text)]).toEqual([
    status,
    {
      type: 'error',
      error: expect.objectContaining({ type, message: expect.stringMatching(message) as string }) as object,
      request_id: id,
    },
  ]);
}
