import { randomUUID } from 'node:crypto';
import { concat, defer, EMPTY, interval, map, Observable, of, take, tap, throttleTime } from 'rxjs';
import { MAX_ARGUMENT_BYTES } from '../../sandbox/process/argument-limits.js';
import type { Sandbox } from '../../sandbox/sandbox.js';
import type { HarnessEvent } from '../../domain/harness-event.js';
import type { FurtherMessage, Harness, HarnessSession, HarnessThread, HarnessTurn } from '../harness.js';
import { readPromptText } from '../../domain/prompt.js';
import * as answer from './answers.js';
import { BoundedOutput } from './bounded-output.js';
import { DemoTurn, emitLater } from './demo-turn.js';
import { nextSteps, type ScriptStep } from './call-script.js';
import { type DemoCommand, parseDemoCommand } from './script.js';

type Events$ = Observable<readonly HarnessEvent[]>;

/** How long an interrupted command may take to exit before it is killed. */
const COMMAND_GRACE_MS = 1000;
/** Minimum time between two progress notices of a command that writes output. */
const PROGRESS_INTERVAL_MS = 1000;

/** An agent without a model, to try the server with nothing else installed. It really runs commands. */
export class DemoHarness implements Harness {
  readonly takesCallerTools = true;

  constructor(private readonly sandbox: Sandbox) {}

  probe(): Promise<string> {
    return Promise.resolve('built in');
  }

  knowsModel(): boolean {
    return false;
  }

  open(thread: HarnessThread): HarnessSession {
    return new DemoSession(thread, this.sandbox);
  }
}

/** A conversation with the demo agent. It has no process of its own; each command runs in one. */
class DemoSession implements HarnessSession {
  /** The turns whose work is not done. */
  readonly #running = new Set<DemoTurn>();
  /** What is left of a prompt whose turn ended with calls of the caller's tools. */
  #laterSteps: readonly ScriptStep[] = [];
  alive = true;

  constructor(
    private readonly thread: HarnessThread,
    private readonly sandbox: Sandbox,
  ) {}

  run(turn: HarnessTurn): Events$ {
    return new Observable((subscriber) => {
      const text = readPromptText(turn.prompt);
      // After results without a message, the rest of the earlier prompt follows.
      const command: DemoCommand =
        turn.prompt.length === 0
          ? { kind: 'steps', steps: this.#laterSteps }
          : parseDemoCommand(text, this.thread.tools);
      this.#laterSteps = [];
      const running = new DemoTurn(turn, subscriber, this.#running);
      subscriber.add(running);
      const opening = [...answer.openingEvents(this.thread.id, text), ...answer.resultEvents(turn.toolResults ?? [])];
      running.start(opening, this.execute(command, turn));
    });
  }

  interrupt(): void {
    for (const running of this.#running) running.interrupt();
  }

  steer(message: FurtherMessage): Promise<boolean> {
    const isHeard = this.#running.size > 0;
    for (const running of this.#running) running.steer(message);
    return Promise.resolve(isHeard);
  }

  close(): Promise<void> {
    this.alive = false;
    this.interrupt();
    return Promise.resolve();
  }

  private execute(request: DemoCommand, turn: HarnessTurn): Events$ {
    switch (request.kind) {
      case 'reply':
        return of(answer.replyEvents(request.text, request.think, turn.turnIndex + 1));
      case 'shell':
        if (turn.attempt > 1) return of(answer.skippedCommand(turn.priorEvents));
        return isTooLong(request.command) ? of([answer.commandTooLong()]) : this.runShell(request.command);
      case 'stream':
        return request.intervalMs > 0
          ? streamAtInterval(request.count, request.intervalMs)
          : streamInBatches(request.count, request.batchSize);
      case 'sleep':
        return emitLater(request.durationMs, () =>
          answer.textEvents('slept', `Slept for ${request.durationMs / 1000} s.`),
        );
      case 'seed':
        return of(answer.seedEvents(turn.seed ?? []));
      case 'fail':
        return of([answer.failureEvent(request.failure)]);
      case 'steps':
        return this.runSteps(request.steps, turn);
      default:
        return request satisfies never;
    }
  }

  private runSteps(steps: readonly ScriptStep[], turn: HarnessTurn): Events$ {
    const [step, ...later] = nextSteps(steps, turn.callerTools);
    switch (step?.kind) {
      case undefined:
        return EMPTY;
      case 'calls':
        this.#laterSteps = later;
        return of(answer.waitingEvents(readPromptText(turn.prompt), step.calls));
      case 'shell':
        return concat(
          this.execute({ kind: 'shell', command: step.command }, turn),
          defer(() => this.runSteps(later, turn)),
        );
      case 'say':
        return concat(
          of(answer.textEvents(randomUUID(), `${step.text}\n`)),
          defer(() => this.runSteps(later, turn)),
        );
      default:
        return step satisfies never;
    }
  }

  /** Runs a shell command in the workspace. Unsubscribing stops it and everything it started. */
  private runShell(command: string): Events$ {
    return new Observable((subscriber) => {
      const { id: threadId, env } = this.thread;
      const args = ['-c', shellScript(command)];
      const program = this.sandbox.spawn({ threadId, command: 'sh', args, env });
      const id = randomUUID();
      const output = new BoundedOutput();
      const output$ = program.lines$.pipe(
        tap((chunk) => output.add(chunk)),
        // The result carries the output; until then, one progress notice per second keeps the caller's stream alive.
        throttleTime(PROGRESS_INTERVAL_MS),
        map((): readonly HarnessEvent[] => [{ type: 'notice', kind: 'progress', message: 'shell writes its output' }]),
      );
      const result$ = defer(() => program.exit).pipe(map(({ code }) => answer.commandResult(id, output.text(), code)));
      subscriber.add(concat(of(answer.commandCall(id, command)), output$, result$).subscribe(subscriber));
      subscriber.add(() => void program.stop(COMMAND_GRACE_MS));
    });
  }
}

function shellScript(command: string): string {
  return `exec 2>&1\n${command}`;
}

/** Whether the command exceeds the system's limit for an argument of the shell. */
function isTooLong(command: string): boolean {
  return Buffer.byteLength(shellScript(command)) > MAX_ARGUMENT_BYTES;
}

/** Emits `count` small deltas, `intervalMs` apart. */
function streamAtInterval(count: number, intervalMs: number): Events$ {
  return interval(intervalMs).pipe(
    take(count),
    map((index) => answer.wordEvents(index, index + 1)),
  );
}

/** Emits `count` small deltas as fast as the reader takes them, `batchSize` per turn of the event loop. */
function streamInBatches(count: number, batchSize: number): Events$ {
  return new Observable((subscriber) => {
    let emitted = 0;
    let next = setImmediate(emitBatch);
    function emitBatch(): void {
      const start = emitted;
      emitted = Math.min(start + batchSize, count);
      // Schedule the next batch only after this one is delivered: operators in between may need this turn of the loop.
      if (emitted > start) subscriber.next(answer.wordEvents(start, emitted));
      if (emitted === count) subscriber.complete();
      // The subscriber may have unsubscribed while it handled the batch.
      else if (!subscriber.closed) next = setImmediate(emitBatch);
    }
    return () => clearImmediate(next);
  });
}
