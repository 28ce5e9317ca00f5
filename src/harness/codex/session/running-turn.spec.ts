import { describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../../domain/harness-event.js';
import { CodexRunningTurn } from './running-turn.js';

const END: HarnessEvent = { type: 'turn-end', reason: 'end_turn' };
const text = (words: string): HarnessEvent => ({ type: 'text-delta', id: 'm', text: words });

function run() {
  const emitted: HarnessEvent[] = [];
  return { emitted, turn: new CodexRunningTurn((events) => emitted.push(...events)) };
}

describe('A running turn', () => {
  it('emits nothing after its end', () => {
    const { turn, emitted } = run();
    turn.emit([text('a'), END, text('b')]);
    turn.emit([text('c'), END]);
    expect(emitted).toEqual([text('a'), END]);
    expect(turn.isOver).toBe(true);
  });

  it('knows whether a message was heard', async () => {
    const { turn } = run();
    const [first, second, third] = [turn.hears('m1'), turn.hears('m2'), turn.hears('m3')];
    turn.emit([{ type: 'user-message', id: 'm1' }]);
    turn.refuse('m3');
    expect(turn.hasUnheard).toBe(true);
    turn.emit([END]);
    expect(await Promise.all([first, second, third, turn.hears('m4')])).toEqual([true, false, false, false]);
  });

  it('has started when Codex names it, or never will when it is over', async () => {
    const [named, abandoned] = [run().turn, run().turn];
    named.start('u');
    abandoned.abandon();
    expect(await Promise.all([named.started, abandoned.started])).toEqual(['u', undefined]);
  });
});
