import { Observable, Subject, type Subscriber } from 'rxjs';
import { expect } from 'vitest';
import type { FailureKind, HarnessEvent, TokenUsage, TurnEndReason } from '../../src/domain/harness-event.js';
import { claudeCode } from '../../src/harness/claude-code/definition.js';
import type { HarnessDefinition } from '../../src/harness/definition.js';
import type { FurtherMessage, Harness, HarnessSession, HarnessThread, HarnessTurn } from '../../src/harness/harness.js';
import { readPromptText } from '../../src/domain/prompt.js';

/** What a scripted turn's model call costs, unless the test says otherwise. */
export const CALL_USAGE: TokenUsage = {
  inputTokens: 12,
  outputTokens: 5,
  cacheReadInputTokens: 100,
  cacheCreationInputTokens: 7,
  thinkingTokens: 2,
};

/** A whole block of text. */
export function textBlock(text: string, id = 'text'): readonly HarnessEvent[] {
  return [
    { type: 'text-delta', id, text },
    { type: 'block-end', id },
  ];
}

/** One model call that costs {@link CALL_USAGE}. */
export function modelCall(events: readonly HarnessEvent[], usage = CALL_USAGE): readonly HarnessEvent[] {
  return [
    { type: 'model-call-start', model: 'scripted', usage: { ...usage, outputTokens: 0, thinkingTokens: 0 } },
    ...events,
    { type: 'model-call-end', model: 'scripted', usage },
  ];
}

/** One run of a turn on the scripted harness: the test says what it says, and sees what is asked of it. */
export class ScriptedRun {
  interrupted = false;
  /** Nobody reads the run any more although it has not ended. */
  abandoned = false;
  ended = false;
  /** It ended with its process. */
  died = false;
  /** The further messages that it was handed while it ran, in order. */
  readonly steered: FurtherMessage[] = [];
  readonly #events$ = new Subject<readonly HarnessEvent[]>();
  readonly #awaitsHearing = new Map<string, (isHeard: boolean) => void>();

  constructor(
    readonly thread: HarnessThread,
    readonly turn: HarnessTurn,
    private readonly heedsInterruptions: () => boolean,
  ) {}

  /** Says these events in one batch. */
  say(...events: readonly HarnessEvent[]): void {
    this.#events$.next(events);
  }

  /** Says a whole text. */
  text(text: string, id = 'text'): void {
    this.say(...textBlock(text, id));
  }

  /** Is handed a further message, which it hears when the test lets it. */
  steer(message: FurtherMessage): Promise<boolean> {
    if (this.ended) return Promise.resolve(false);
    this.steered.push(message);
    return new Promise((resolve) => this.#awaitsHearing.set(message.id, resolve));
  }

  /** The texts of the further messages that it was handed, in order. */
  get steeredTexts(): readonly string[] {
    return this.steered.map(({ prompt }) => readPromptText(prompt));
  }

  /** Hears the further messages that it was handed. */
  hear(): void {
    for (const [id, resolve] of this.#awaitsHearing) {
      this.say({ type: 'user-message', id });
      resolve(true);
    }
    this.#awaitsHearing.clear();
  }

  /** Says these events, the last of which ends the turn, and is over. */
  finish(events: readonly HarnessEvent[]): void {
    this.ended = true;
    for (const resolve of this.#awaitsHearing.values()) resolve(false);
    this.#events$.next(events);
    this.#events$.complete();
  }

  /** Ends the turn well, after these events. */
  end(...events: readonly HarnessEvent[]): void {
    this.finish([...events, { type: 'turn-end', reason: 'end_turn' }]);
  }

  /** Ends the turn well, for this reason. */
  endAs(reason: TurnEndReason): void {
    this.finish([{ type: 'turn-end', reason }]);
  }

  /** Answers with one model call and this text, and ends the turn. */
  answer(text: string): void {
    this.end(...modelCall(textBlock(text)));
  }

  fail(kind: FailureKind, message = `scripted: ${kind}`): void {
    this.died = kind === 'process_died';
    this.finish([{ type: 'turn-failed', kind, message }]);
  }

  /** Ends as no harness should: without saying so. */
  vanish(): void {
    this.ended = true;
    this.died = true;
    this.#events$.complete();
  }

  interrupt(): void {
    this.interrupted = true;
    if (this.heedsInterruptions() && !this.ended) this.finish([{ type: 'turn-end', reason: 'interrupted' }]);
  }

  /** To be given to whoever runs the turn. */
  read(subscriber: Subscriber<readonly HarnessEvent[]>): void {
    subscriber.add(this.#events$.subscribe(subscriber));
    subscriber.add(() => (this.abandoned = !this.ended));
  }
}

/** A harness that emits the events of the test. It stands in for Claude Code: models named `claude-*` are its own. */
export class ScriptedHarness implements Harness {
  readonly takesCallerTools = true;
  readonly takesMcpServers = true;
  /** Every run, in the order in which they began. */
  readonly runs: ScriptedRun[] = [];
  /** Every conversation that was opened, in order. */
  readonly opened: HarnessThread[] = [];
  /** Whether an interrupted turn ends. */
  heedsInterruptions = true;
  /** Whether the conversations that are opened from now on take further messages. */
  isSteerable = false;
  /** Called with each run as it begins; by default the test drives runs by hand. */
  onRun: (run: ScriptedRun) => void = () => undefined;

  probe(): Promise<string | undefined> {
    return Promise.resolve('0.0.0-scripted');
  }

  knowsModel(model: string): boolean {
    return model.startsWith('claude-');
  }

  open(thread: HarnessThread): HarnessSession {
    this.opened.push(thread);
    return new ScriptedSession(thread, this);
  }

  /** The runs of the prompts that have this text. */
  runsOf(prompt: string): readonly ScriptedRun[] {
    return this.runs.filter((run) => readPromptText(run.turn.prompt) === prompt);
  }

  /** Resolves once the prompt with this text runs, for the given time. */
  async run(prompt: string, attempt = 1): Promise<ScriptedRun> {
    const find = (): ScriptedRun | undefined => this.runsOf(prompt)[attempt - 1];
    await expect.poll(find, { timeout: 10_000, interval: 5, message: `a run of "${prompt}"` }).toBeDefined();
    const run = find();
    if (run === undefined) throw new Error('the run that was there is gone');
    return run;
  }
}

/** The definition of Claude Code, with another harness in its place. */
export function inPlaceOfClaudeCode(harness: Harness): HarnessDefinition {
  return { ...claudeCode, create: () => harness };
}

/** The definition of a harness whose program is not on this machine. */
export function absent(definition: HarnessDefinition): HarnessDefinition {
  const harness = new ScriptedHarness();
  harness.probe = () => Promise.resolve(undefined);
  return { ...definition, create: () => harness };
}

class ScriptedSession implements HarnessSession {
  alive = true;
  readonly steer?: (message: FurtherMessage) => Promise<boolean>;
  #run: ScriptedRun | undefined;

  constructor(
    private readonly thread: HarnessThread,
    private readonly harness: ScriptedHarness,
  ) {
    if (harness.isSteerable) this.steer = (message) => this.#run?.steer(message) ?? Promise.resolve(false);
  }

  run(turn: HarnessTurn): Observable<readonly HarnessEvent[]> {
    return new Observable((subscriber) => {
      const run = new ScriptedRun(this.thread, turn, () => this.harness.heedsInterruptions);
      this.#run = run;
      run.read(subscriber);
      this.harness.runs.push(run);
      this.harness.onRun(run);
      subscriber.add(() => {
        if (run.abandoned || run.died) this.alive = false;
      });
    });
  }

  interrupt(): void {
    this.#run?.interrupt();
  }

  /** As a process that is killed: its running turn fails. */
  close(): Promise<void> {
    this.alive = false;
    if (this.#run !== undefined && !this.#run.ended) this.#run.fail('process_died');
    return Promise.resolve();
  }
}
