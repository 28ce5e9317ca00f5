import supertest, { type Response } from 'supertest';
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest';
import { sampleFromSchema } from '../../../src/harness/demo/sample.js';
import { promptText } from '../../../src/domain/prompt.js';
import type { Message, StreamEvent } from '../../../src/anthropic/stream-event.js';
import { ask, converse, thread } from '../../support/requests.js';
import type { ScriptedHarness, ScriptedRun } from '../../support/scripted-harness.js';
import { SseClient } from '../../support/sse-client.js';
import { checkGrammar } from '../../support/stream-grammar.js';
import { startTestApp, type TestApp, type TestSettings } from '../../support/test-app.js';
import { foldStream } from './fold.js';
import { quickenClocks } from './quick-clocks.js';

/** What the agent does with a prompt. */
type Play = (run: ScriptedRun) => void;
type Headers = Readonly<Record<string, string>>;

/** One turn's answer, as a caller gets it that streams, and one that does not. */
export interface Answer {
  /** The stream, read while the turn ran. */
  readonly stream: SseClient;
  readonly events: readonly StreamEvent[];
  /** The whole answer of the same turn, asked for after it. */
  readonly whole: Response;
  readonly message: Message;
}

/** A server that is there while the tests of a file, or of a `describe`, run. Its agent answers `fine`, or as its schema wants it, but for what it is told. */
export class ConformanceServer {
  #app: TestApp | undefined;
  readonly #plays = new Map<string, Play>();

  constructor(settings: TestSettings = {}) {
    quickenClocks();
    beforeAll(async () => {
      this.#app = await startTestApp(settings);
      this.harness.onRun = (run) => {
        const play = this.#plays.get(promptText(run.turn.prompt));
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
    if (this.#app === undefined) throw new Error('the server is there only while tests run');
    return this.#app;
  }

  get url(): string {
    return this.app.url;
  }

  get harness(): ScriptedHarness {
    return this.app.harness;
  }

  /** From now on the agent does this with a prompt. */
  plays(prompt: string, play: Play): void {
    this.#plays.set(prompt, play);
  }

  /** From now on the agent does nothing by itself with this prompt: the test drives the run. */
  waits(prompt: string): void {
    this.plays(prompt, () => undefined);
  }

  /** Asks for an answer, to be awaited. */
  post(body: object | string, headers: Headers = {}): supertest.Test {
    return supertest(this.url).post('/v1/messages').set('content-type', 'application/json').set(headers).send(body);
  }

  /** Asks for an answer, and does not wait for anything. */
  open(body: object, headers: Headers = {}): SseClient {
    return SseClient.post(this.url, body, headers);
  }

  /** A stream and the run that it reads, which the test drives. */
  async held(prompt: string, body: object = ask(prompt), headers: Headers = thread(prompt)) {
    this.waits(prompt);
    const stream = this.open({ ...body, stream: true }, headers);
    return { stream, run: await this.harness.run(prompt) };
  }

  /** The conversation that ends with a prompt: as it has a history, its repetition is a retry. */
  conversation(prompt: string, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
    return converse(['before', 'I see.', prompt], more);
  }

  /**
   * What the agent says to a prompt, as a stream and whole: one turn, read twice. Expects that the stream follows the grammar,
   * that each of its events is named as it is, and that both say the same.
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

/** The headers of Claude Code 2.1.330, started with `-p`. */
export const CLAUDE_CODE: Headers = { 'user-agent': 'claude-cli/2.1.330 (external, sdk-cli)', 'x-app': 'cli' };

/** The ids and texts of an answer as it was sent, for comparison. */
export const idOf = (response: Response): string => (response.body as { readonly id: string }).id;

/** Expects an error in Anthropic's envelope, with the request's id inside and outside the same. */
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
