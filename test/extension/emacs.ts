import { defer, of } from 'rxjs';
import { readPromptText, withHistory } from '../../src/domain/prompt.js';
import { renderSeed } from '../../src/domain/seed/render-seed.js';
import type { HarnessDefinition } from '../../src/harness/definition.js';
import type { Harness, HarnessModel, HarnessSession, HarnessThread, HarnessTurn } from '../../src/harness/harness.js';
import { modelCall, textBlock } from '../support/scripted-harness.js';

/** An agent that answers with what it is told and where it finds its things. */
class EmacsHarness implements Harness {
  constructor(private readonly command: string) {}

  probe(): Promise<string> {
    return Promise.resolve('29.4');
  }

  knowsModel(model: string): boolean {
    return model.startsWith('lisp-');
  }

  models(): readonly HarnessModel[] {
    return [{ id: 'lisp-1', displayName: 'Lisp 1' }];
  }

  open(thread: HarnessThread): HarnessSession {
    return new EmacsSession(thread, this.command);
  }
}

class EmacsSession implements HarnessSession {
  alive = true;

  constructor(
    private readonly thread: HarnessThread,
    private readonly command: string,
  ) {}

  run({ prompt, seed = [] }: HarnessTurn) {
    const { model, env } = this.thread;
    const facts = [this.command, model, env['EMACS_HOME'], env['EMACS_MODEL']].join(' ');
    return defer(() =>
      of([
        // Its program takes no messages but the newest.
        ...modelCall(textBlock(`${readPromptText(withHistory(renderSeed(seed), prompt))}: ${facts}`)),
        { type: 'turn-end', reason: 'end_turn' } as const,
      ]),
    );
  }

  interrupt(): void {
    // A turn is over as soon as it begins.
  }

  close(): Promise<void> {
    this.alive = false;
    return Promise.resolve();
  }
}

/** What somebody would write for a harness of their own. */
export const emacs: HarnessDefinition = {
  name: 'emacs',
  displayName: 'GNU Emacs',
  sessionType: 'elisp',
  program: { variable: 'CHIRON_EMACS_BIN', fallback: 'emacs', doc: 'Emacs: a path, or a name on `PATH`.' },
  home: { EMACS_HOME: '.emacs.d' },
  modelVariable: 'EMACS_MODEL',
  create: ({ command }) => new EmacsHarness(command),
};
