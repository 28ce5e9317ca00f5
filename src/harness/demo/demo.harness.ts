import { randomUUID } from 'node:crypto';
import {
  concat,
  defer,
  delay,
  EMPTY,
  interval,
  map,
  Observable,
  of,
  Subject,
  take,
  takeUntil,
  takeWhile,
  tap,
  throttleTime,
} from 'rxjs';
import { MAX_ARGUMENT_BYTES } from '../../sandbox/process/argument-limits.js';
import type { Sandbox } from '../../sandbox/sandbox.js';
import { type HarnessEvent, isTurnEnd } from '../../domain/harness-event.js';
import type { Harness, HarnessSession, HarnessThread, HarnessTurn } from '../harness.js';
import { promptText } from '../../domain/prompt.js';
import * as answer from './answers.js';
import { BoundedOutput } from './bounded-output.js';
import { type DemoAct, demoAct } from './script.js';

type Events$ = Observable<readonly HarnessEvent[]>;

/** How long a command that was interrupted may take to end by itself, in milliseconds. */
const COMMAND_GRACE_MS = 1000;
/** How often a command that writes is a sign of life, in milliseconds. */
const PROGRESS_INTERVAL_MS = 1000;

/** An agent without a model, so that a newcomer sees the product work with nothing installed. It runs commands for real. */
export class DemoHarness implements Harness {
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

/** A conversation with the demo agent. It has no process of its own; only the commands that it is asked to run have. */
class DemoSession implements HarnessSession {
  readonly #interrupts$ = new Subject<void>();
  alive = true;

  constructor(
    private readonly thread: HarnessThread,
    private readonly sandbox: Sandbox,
  ) {}

  run(turn: HarnessTurn): Events$ {
    return defer(() => {
      let interrupted = false;
      const interrupts$ = this.#interrupts$.pipe(tap(() => (interrupted = true)));
      const text = promptText(turn.prompt);
      return concat(
        of(answer.opening(this.thread.id, text)),
        this.play(demoAct(text, this.thread.tools), turn).pipe(takeUntil(interrupts$)),
        turn.outputSchema === undefined ? EMPTY : of(answer.json(turn.outputSchema, text)),
        defer(() => of(answer.closing(text, interrupted))),
      ).pipe(takeWhile((events) => !events.some(isTurnEnd), true));
    });
  }

  interrupt(): void {
    this.#interrupts$.next();
  }

  close(): Promise<void> {
    this.alive = false;
    this.#interrupts$.next();
    return Promise.resolve();
  }

  private play(act: DemoAct, turn: HarnessTurn): Events$ {
    switch (act.kind) {
      case 'say':
        return of(answer.words(act.text, act.think, turn.turnIndex + 1));
      case 'shell':
        if (turn.attempt > 1) return of(answer.skippedCommand());
        return isTooLong(act.command) ? of([answer.tooLong()]) : this.runCommand(act.command);
      case 'stream':
        return act.intervalMilliseconds > 0 ? paced(act.count, act.intervalMilliseconds) : sliced(act.count, act.slice);
      case 'sleep':
        return of(answer.textEvents('slept', `Slept for ${act.milliseconds / 1000} s.`)).pipe(delay(act.milliseconds));
      case 'fail':
        return of([answer.failure(act.failure)]);
      default:
        return act satisfies never;
    }
  }

  /** Runs a shell command in the workspace; unsubscribing stops it and everything it started. */
  private runCommand(command: string): Events$ {
    return new Observable((subscriber) => {
      const { id: threadId, folders, env } = this.thread;
      const args = ['-c', shellScript(command)];
      const program = this.sandbox.spawn({ threadId, folders, command: 'sh', args, env });
      const id = randomUUID();
      const output = new BoundedOutput();
      const output$ = program.lines$.pipe(
        tap((chunk) => output.add(chunk)),
        // The output is told at the end; until then it is a sign of life, of which one a second is enough.
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

/** Whether the system could not start a shell with this command as an argument. */
function isTooLong(command: string): boolean {
  return Buffer.byteLength(shellScript(command)) > MAX_ARGUMENT_BYTES;
}

/** `count` small deltas, `milliseconds` apart. */
function paced(count: number, milliseconds: number): Events$ {
  return interval(milliseconds).pipe(
    take(count),
    map((index) => answer.tokenEvent(index)),
  );
}

/** `count` small deltas, as fast as they are read: `size` of them per turn of the event loop. */
function sliced(count: number, size: number): Events$ {
  return new Observable((subscriber) => {
    let given = 0;
    let next = setImmediate(give);
    function give(): void {
      const start = given;
      given = Math.min(start + size, count);
      // The next slice is asked for after this one has been passed on, as everybody in between may wait for this turn of the loop.
      if (given > start)
        subscriber.next(Array.from({ length: given - start }, (_, index) => answer.tokenEvent(start + index)).flat());
      if (given === count) subscriber.complete();
      // Whoever was given it may have left.
      else if (!subscriber.closed) next = setImmediate(give);
    }
    return () => clearImmediate(next);
  });
}
