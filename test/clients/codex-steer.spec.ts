import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../src/domain/harness-event.js';
import type { FurtherMessage, HarnessSession, HarnessTurn } from '../../src/harness/harness.js';
import { conversationOf } from './support/codex-model.js';
import { type CodexRig, outline, resultOf, sessionIdOf, startCodexRig, toolsNamed } from './support/codex-rig.js';
import { removeFolders } from './support/folders.js';
import { runTurn, turnOf } from './support/harness-rig.js';
import { skipReason } from './support/programs.js';

Logger.overrideLogger(false);

let rig: CodexRig;
beforeEach(async () => {
  rig = await startCodexRig();
});
afterEach(() => rig.close());
afterAll(removeFolders);

const message = (id: string, words: string): FurtherMessage => ({ id, prompt: [{ type: 'text', text: words }] });
const newest = () => conversationOf(rig.model.bodies.at(-1));

/** Runs a turn, and does something at the first event of a kind. */
async function runAnd(
  session: HarnessSession,
  turn: HarnessTurn,
  type: HarnessEvent['type'],
  act: () => void,
): Promise<readonly HarnessEvent[]> {
  const events: HarnessEvent[] = [];
  let done = false;
  await new Promise<void>((resolve, reject) => {
    session.run(turn).subscribe({
      next: (batch) => {
        events.push(...batch);
        if (done || !batch.some((event) => event.type === type)) return;
        done = true;
        act();
      },
      error: reject,
      complete: resolve,
    });
  });
  return events;
}

describe.skipIf(skipReason !== undefined)('A message for a running turn of Codex', () => {
  it('is heard while a tool runs, in this turn', async () => {
    const session = rig.open();
    rig.model.says([{ shell: 'sleep 1; echo slow', id: 's1' }]);
    let isHeard: Promise<boolean> | undefined;
    const events = await runAnd(session, turnOf('Go'), 'tool-call', () => {
      isHeard = session.steer?.(message('m1', 'Be brief'));
    });
    expect(await isHeard).toBe(true);
    expect(outline(events)).toEqual([
      'runs s1',
      'ran s1: slow',
      'tokens',
      'hears m1',
      'says Done.',
      'tokens',
      'ends end_turn',
    ]);
    expect(newest().slice(-2)).toEqual(['output s1: slow', 'user: Be brief']);
  });

  it('is heard when it comes before Codex has begun', async () => {
    const session = rig.open();
    const events = runTurn(session, turnOf('Go'));
    expect(await session.steer?.(message('m1', 'Be brief'))).toBe(true);
    expect(outline(await events)).toContain('hears m1');
    expect(newest().filter((line) => line === 'user: Be brief')).toHaveLength(1);
  });

  it('is heard at most once when it comes at the very end', async () => {
    const session = rig.open();
    for (let round = 0; round < 5; round += 1) {
      let isHeard: Promise<boolean> | undefined;
      const events = await runAnd(session, turnOf(`Go ${round}`), 'model-call-end', () => {
        isHeard = session.steer?.(message(`m${round}`, `Late ${round}`));
      });
      await runTurn(session, turnOf('Next'));
      const heard = (await isHeard) === true;
      expect(outline(events).includes(`hears m${round}`)).toBe(heard);
      expect(newest().filter((line) => line === `user: Late ${round}`)).toHaveLength(heard ? 1 : 0);
    }
  });

  it('is not heard by a turn that is interrupted, or was over', async () => {
    const session = rig.open();
    rig.model.says([{ text: 'Hm' }, { pauseMs: 5_000 }]);
    let isHeard: Promise<boolean> | undefined;
    rig.model.says([{ shell: 'sleep 5', id: 's1' }]);
    const events = await runAnd(session, turnOf('Go'), 'text-delta', () => session.interrupt());
    expect(outline(events).at(-1)).toBe('ends interrupted');
    const second = await runAnd(session, turnOf('Go on'), 'tool-call', () => {
      isHeard = session.steer?.(message('m1', 'Be brief'));
      session.interrupt();
    });
    expect(outline(second).at(-1)).toBe('ends interrupted');
    expect(await isHeard).toBe(false);
    expect(await session.steer?.(message('m2', 'Too late'))).toBe(false);
    await runTurn(session, turnOf('Next'));
    expect(newest().some((line) => /Be brief|Too late/.test(line))).toBe(false);
  });

  it('is not heard by a turn that ends with calls of the caller, nor by the one after', async () => {
    const session = rig.open();
    const callerTools = toolsNamed('look_up');
    rig.model.says([
      { shell: 'sleep 0.1; echo slow', id: 's1' },
      { caller: 'look_up', id: 'c1', input: { text: 'a' } },
    ]);
    let isHeard: Promise<boolean> | undefined;
    const parked = await runAnd(session, turnOf('Go', { callerTools }), 'tool-call', () => {
      isHeard = session.steer?.(message('m1', 'Be brief'));
    });
    expect(outline(parked).at(-1)).toBe('ends tool_use');
    expect(await isHeard).toBe(false);
    const results = turnOf('', { prompt: [], callerTools, toolResults: [resultOf('c1', 'one')] });
    await runTurn(session, results);
    expect(newest().slice(-2)).toEqual(['output s1: slow', 'output c1: one']);
    await runTurn(session, turnOf('Next', { callerTools }));
    expect(newest().some((line) => line.includes('Be brief'))).toBe(false);
  });

  it('is handed over again to the attempt that follows, if the record lacks it', async () => {
    const session = rig.open();
    rig.model.says([{ shell: 'echo one', id: 's1' }], [{ text: 'Half' }, { pauseMs: 30_000 }]);
    const turn = turnOf('Go');
    let isHeard: Promise<boolean> | undefined;
    const died = await runAnd(session, turn, 'text-delta', () => {
      isHeard = session.steer?.(message('m1', 'Be brief'));
      void isHeard?.then(() => rig.kill());
    });
    expect(await isHeard).toBe(true);
    const furtherMessages = [message('m1', 'Be brief'), message('m2', 'In French'), message('m3', 'In verse')];
    const again = { ...turn, attempt: 2, priorEvents: died, furtherMessages };
    const events = await runTurn(rig.open(sessionIdOf(died)), again);
    expect(outline(events).filter((line) => line.startsWith('hears'))).toEqual(['hears m1', 'hears m2', 'hears m3']);
    const users = newest().filter((line) => line.startsWith('user:'));
    expect(users).toEqual(['user: Go', 'user: Be brief', 'user: In French', 'user: In verse']);
  });
});
