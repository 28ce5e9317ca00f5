import { dirname } from 'node:path';
import { afterAll, afterEach } from 'vitest';
import type { HarnessEvent } from '../../../src/domain/harness-event.js';
import type { HarnessSession } from '../../../src/harness/harness.js';
import type { SandboxFolders } from '../../../src/sandbox/sandbox.js';
import type { Answer, Part } from '../../support/scripted-model/anthropic-answer.js';
import type { ScriptedModel } from '../../support/scripted-model/scene.js';
import { removeFolders } from './folders.js';
import { type HarnessRig, startHarnessRig } from './harness-rig.js';
import { startPlannedModel } from './planned-model.js';
import { killThreadProcesses } from './processes.js';

/** What the model answers, one after the other. */
export type PlannedAnswers = readonly (readonly Part[] | Answer)[];

/** One thread of Claude Code, and its model. */
export interface PlannedClaude {
  readonly model: ScriptedModel;
  readonly folders: SandboxFolders;
  /** Opens a session of the thread; the id is that of the conversation to resume. */
  readonly open: (sessionId?: string) => HarnessSession;
  /** Kills the agent and all that it has started, as a crash would. */
  readonly kill: () => Promise<void>;
}

/**
 * For the tests of a file: starts a thread of Claude Code whose model gives these answers one after the other. It is gone after its test, and all
 * folders after the last one.
 */
export function planClaude(): (...answers: PlannedAnswers) => Promise<PlannedClaude> {
  let rig: HarnessRig | undefined;
  afterEach(async () => {
    await rig?.close();
    rig = undefined;
  });
  afterAll(removeFolders);
  return async (...answers) => {
    const model = await startPlannedModel(answers);
    const started = await startHarnessRig('claude-code', '', undefined, model);
    rig = started;
    const { folders } = started;
    return {
      model,
      folders,
      open: (sessionId) => started.open({ sessionId }),
      kill: () => killThreadProcesses(dirname(dirname(dirname(folders.workspace)))),
    };
  };
}

/** The id of the conversation that a turn has begun. */
export function sessionOf(events: readonly HarnessEvent[]): string | undefined {
  return events.find((event) => event.type === 'session-started')?.sessionId;
}
