import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@nestjs/common';
import { Observable } from 'rxjs';
import type { Subscriber } from 'rxjs';
import type { Sandbox, SandboxExit, SandboxProcess } from '../../sandbox/sandbox.js';
import type { HarnessSession, HarnessThread, HarnessTurn } from '../harness.js';
import type { FailureKind, HarnessEvent } from '../harness-event.js';
import { isTurnEnd } from '../harness-event.js';
import { instructionsOf } from '../instructions.js';
import { commandLine, environment, interruptLine, promptLine } from './command-line.js';
import type { Conversation } from './command-line.js';
import { decode } from './decode.js';
import { appendEntries, dropTornLine, isResumable, isSessionId, planTurn, readTranscript } from './transcript.js';
import type { TurnPlan } from './transcript-plan.js';
import { beginTurn, start } from './turn-state.js';

const STOP_GRACE_MILLISECONDS = 3_000;
/** The file with what is appended to the system prompt, in the thread's home. */
const INSTRUCTIONS_FILE = '.chiron-instructions.md';
/** What a shell, and our sandbox, exit with when a program is not there. */
const EXIT_NOT_FOUND = 127;

type Batch = readonly HarnessEvent[];

interface RunningTurn {
  readonly turn: HarnessTurn;
  readonly subscriber: Subscriber<Batch>;
}

interface StartPlan {
  readonly conversation: Conversation;
  readonly turn: TurnPlan;
}

/** What a session needs besides its thread. */
export interface ClaudeCodeSessionTools {
  readonly sandbox: Sandbox;
  readonly command: string;
  readonly isRoot: boolean;
  readonly logger: Pick<Logger, 'warn' | 'error'>;
}

/**
 * One thread's conversation with Claude Code: one process for all its turns, started by the first. A turn that an earlier
 * process has begun is taken up where its transcript ends.
 */
export class ClaudeCodeSession implements HarnessSession {
  private process: SandboxProcess | undefined;
  private running: RunningTurn | undefined;
  private state = start();
  private interruptWanted = false;
  private usable = true;
  private closing: Promise<void> | undefined;

  constructor(
    private readonly thread: HarnessThread,
    private readonly tools: ClaudeCodeSessionTools,
  ) {}

  get alive(): boolean {
    return this.usable;
  }

  run(turn: HarnessTurn): Observable<Batch> {
    return new Observable<Batch>((subscriber) => {
      if (!this.usable || this.running !== undefined) {
        subscriber.next([
          { type: 'turn-failed', kind: 'process_died', message: 'The agent’s process is gone or busy.' },
        ]);
        subscriber.complete();
        return;
      }
      const running: RunningTurn = { turn, subscriber };
      this.running = running;
      this.begin(running).catch((error: unknown) => {
        this.tools.logger.error(`Claude Code could not be started: ${nameOf(error)}`);
        this.giveUp(running, 'The agent could not be started.', 'internal');
      });
      return () => {
        if (this.running !== running) return;
        this.running = undefined;
        void this.close();
      };
    });
  }

  interrupt(): void {
    const { process, running } = this;
    if (running === undefined) return;
    if (process === undefined || this.state.tasks.answered) {
      // Nothing runs that could be interrupted: the process is being started, or sub-agents work in the background.
      this.say([{ type: 'turn-end', reason: 'interrupted' }]);
      void this.close();
      return;
    }
    this.interruptWanted = true;
    this.passInterruptOn();
  }

  close(): Promise<void> {
    this.usable = false;
    this.closing ??= this.stop();
    return this.closing;
  }

  /** Claude Code 2.1.330 loses an interrupt that comes before it has begun with the prompt. */
  private passInterruptOn(): void {
    if (!this.interruptWanted || !this.state.turn.begun) return;
    this.interruptWanted = false;
    this.process?.writeLine(interruptLine(randomUUID()));
  }

  private async stop(): Promise<void> {
    await this.process?.stop(STOP_GRACE_MILLISECONDS);
    const { running } = this;
    if (running !== undefined) this.giveUp(running, 'The agent was stopped in the middle of the turn.', 'process_died');
  }

  private async begin(running: RunningTurn): Promise<void> {
    this.state = beginTurn(this.state);
    this.interruptWanted = false;
    if (this.process === undefined) {
      const plan = await this.planStart(running.turn);
      if (this.running !== running) return;
      if (plan.turn.kind === 'ended') {
        this.say([{ type: 'session-started', sessionId: plan.conversation.sessionId }, ...plan.turn.events]);
        return;
      }
      const instructions = await this.writeInstructions();
      if (this.running !== running) return;
      this.process = this.spawn(plan, instructions);
      if (plan.turn.kind === 'continue') {
        if (plan.turn.events.length > 0) this.say(plan.turn.events);
        return;
      }
    }
    this.process.writeLine(promptLine(running.turn));
  }

  private async planStart(turn: HarnessTurn): Promise<StartPlan> {
    const { thread } = this;
    const known = thread.sessionId ?? (isSessionId(thread.id) ? thread.id : randomUUID());
    const transcript = await readTranscript(this.configFolder, known);
    if (transcript === undefined || !isResumable(transcript)) {
      // A file without a conversation cannot be resumed, and still makes its id "already in use" (2.1.330).
      const fresh = thread.sessionId !== undefined || transcript !== undefined || !isSessionId(known);
      return { conversation: { kind: 'new', sessionId: fresh ? randomUUID() : known }, turn: { kind: 'prompt' } };
    }
    await dropTornLine(transcript.path);
    const plan: TurnPlan = turn.attempt > 1 ? planTurn(transcript, turn.id, turn.said ?? []) : { kind: 'prompt' };
    if (plan.kind !== 'prompt') await appendEntries(transcript, plan.entries);
    return { conversation: { kind: 'resume', sessionId: known }, turn: plan };
  }

  private async writeInstructions(): Promise<string | undefined> {
    const text = await instructionsOf(this.thread);
    if (text === undefined) return undefined;
    const path = join(this.thread.folders.home, INSTRUCTIONS_FILE);
    await writeFile(path, text);
    return path;
  }

  private spawn(plan: StartPlan, instructions: string | undefined): SandboxProcess {
    const { thread, tools } = this;
    const process = tools.sandbox.spawn({
      threadId: thread.id,
      folders: thread.folders,
      command: tools.command,
      args: commandLine(thread, plan.conversation, instructions),
      env: environment(thread, this.configFolder, tools.isRoot, plan.turn.kind === 'continue'),
    });
    const linesEnd = new Promise<void>((resolve) => {
      process.lines$.subscribe({ next: (lines) => this.read(lines), complete: resolve });
    });
    void Promise.all([process.exit, linesEnd]).then(([exit]) => this.processEnded(exit));
    return process;
  }

  private read(lines: readonly string[]): void {
    const events: HarnessEvent[] = [];
    for (const line of lines) {
      const [state, said, notes] = decode(this.state, line);
      this.state = state;
      for (const event of said) events.push(event);
      for (const note of notes)
        this.tools.logger.warn(`Claude Code wrote a line of ${note.length} characters that is no JSON`);
    }
    if (events.length > 0) this.say(events);
    this.passInterruptOn();
  }

  private processEnded(exit: SandboxExit): void {
    this.usable = false;
    const { running } = this;
    if (running === undefined) return;
    const how = exit.code === null ? `signal ${exit.signal ?? 'unknown'}` : `code ${exit.code}`;
    this.tools.logger.error(`Claude Code ended in the middle of a turn with ${how}`);
    if (exit.code === EXIT_NOT_FOUND) this.giveUp(running, 'The agent program is not installed.', 'internal');
    else this.giveUp(running, `The agent's process ended in the middle of the turn (${how}).`, 'process_died');
  }

  private giveUp(running: RunningTurn, message: string, kind: FailureKind): void {
    this.usable = false;
    if (this.running === running) this.say([{ type: 'turn-failed', kind, message }]);
  }

  private say(events: Batch): void {
    const { running } = this;
    if (running === undefined) return;
    const last = events.at(-1);
    const ends = last !== undefined && isTurnEnd(last);
    // Before the last word: whoever hears it may run the next turn at once.
    if (ends) this.running = undefined;
    running.subscriber.next(events);
    if (ends) running.subscriber.complete();
  }

  private get configFolder(): string {
    return join(this.thread.folders.home, '.claude');
  }
}

/** An error's code or name; its message may hold a path. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
