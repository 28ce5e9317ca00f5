import { EMPTY, Subject } from 'rxjs';
import type { JsonObject } from '../../../domain/harness-event.js';
import { asObject, asObjects, asString, parseObject } from '../../../domain/json.js';
import type { SpawnFailure } from '../../../sandbox/process/spawn-failure.js';
import type { SandboxCommand, SandboxExit, SandboxProcess } from '../../../sandbox/sandbox.js';
import { OneThreadSandbox, type ThreadPlace } from '../../__fixtures__/one-thread-sandbox.js';

/** Leaves a message without an answer. */
export const NO_ANSWER: JsonObject = {};

/** A message of the host. */
export interface HostMessage {
  readonly method: string;
  readonly params: JsonObject;
}

/** What an agent answers: `result` or `error`; `undefined` or {@link NO_ANSWER} for nothing yet. What it tells before the answer goes to `agent.update`. */
export type Behaviour = (message: HostMessage, agent: FakeAgent) => JsonObject | undefined;

/** A made-up agent of the Agent Client Protocol, in one process. */
export class FakeAgent {
  readonly lines = new Subject<readonly string[]>();
  /** Answers of the host to the agent's own requests, by their ids. */
  readonly answers = new Map<unknown, JsonObject>();
  stops: number[] = [];
  /** What it does when it is stopped, before it ends. */
  onStop: () => void = () => undefined;
  #prompt: unknown;

  constructor(
    readonly command: SandboxCommand,
    private readonly received: HostMessage[],
    private readonly behaviour: Behaviour,
  ) {}

  /** Tells updates of a session. */
  update(...updates: readonly JsonObject[]): void {
    for (const update of updates)
      this.send({ method: 'session/update', params: { sessionId: update['of'] ?? 's1', update } });
  }

  /** Answers the newest prompt. */
  endPrompt(result: JsonObject = { stopReason: 'end_turn' }): void {
    this.send({ id: this.#prompt as number, result });
  }

  send(message: JsonObject): void {
    this.lines.next([JSON.stringify({ jsonrpc: '2.0', ...message })]);
  }

  die(): void {
    this.lines.complete();
  }

  receive(line: string): void {
    const { id, method, params, result } = asObject(parseObject(line));
    if (method === undefined) {
      this.answers.set(id, asObject(result));
      return;
    }
    const message = { method: asString(method) ?? '', params: asObject(params) };
    this.received.push(message);
    if (message.method === 'session/prompt') this.#prompt = id;
    const answer = this.behaviour(message, this);
    if (answer !== undefined && answer !== NO_ANSWER && id !== undefined) this.send({ id, ...answer });
  }
}

/** A sandbox in which every program is a {@link FakeAgent}. */
export class FakeAgentSandbox extends OneThreadSandbox {
  readonly agents: FakeAgent[] = [];
  /** What the host has sent, to all of them. */
  readonly received: HostMessage[] = [];
  notStarted: SpawnFailure | undefined;

  constructor(
    place: ThreadPlace,
    public behaviour: Behaviour,
  ) {
    super(place);
  }

  /** The agent that was started last. */
  get agent(): FakeAgent {
    const last = this.agents.at(-1);
    if (last === undefined) throw new Error('no agent was started');
    return last;
  }

  /** The parameters of all messages of this method. */
  sent(method: string): readonly JsonObject[] {
    return this.received.filter((message) => message.method === method).map(({ params }) => params);
  }

  /** The blocks of each prompt. */
  get prompts(): readonly (readonly JsonObject[])[] {
    return this.sent('session/prompt').map(({ prompt }) => asObjects(prompt));
  }

  get methods(): readonly string[] {
    return this.received.map(({ method }) => method);
  }

  spawn(command: SandboxCommand): SandboxProcess {
    const { notStarted } = this;
    const agent = new FakeAgent(command, this.received, (message, from) => this.behaviour(message, from));
    this.agents.push(agent);
    if (notStarted !== undefined) {
      const exit = Promise.resolve({ code: null, signal: null, stderr: '', notStarted });
      return { lines$: EMPTY, exit, writeLine: () => undefined, stop: () => Promise.resolve() };
    }
    const exit = new Promise<SandboxExit>((resolve) => {
      agent.lines.subscribe({ complete: () => setTimeout(resolve, 5, { code: 1, signal: null, stderr: '' }) });
    });
    return {
      lines$: agent.lines,
      exit,
      writeLine: (line) => queueMicrotask(() => agent.receive(line)),
      stop: (graceMs) => {
        agent.stops.push(graceMs);
        agent.onStop();
        agent.lines.complete();
        return Promise.resolve();
      },
    };
  }
}
