import { describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../domain/harness-event.js';
import { insertMeanwhile, type MissedTurn, renderMeanwhile } from './meanwhile.js';

const turn = (caller: string, said: string, answer?: string, state: MissedTurn['state'] = 'completed'): MissedTurn => ({
  caller,
  state,
  said: [{ type: 'text', text: said }],
  message: answer === undefined ? undefined : { content: [{ type: 'text', text: answer, citations: null }] },
});

describe('what others did on a thread', () => {
  it('is a line for what each said, and one for the answer', () => {
    const missed = [turn('session', 'Add a test.\nPlease!', 'Added.'), turn('codex', 'run it', '**All** green')];
    expect(renderMeanwhile('slack:C1:17.2', missed, 2)).toBe(
      [
        'Meanwhile on this thread:\n',
        '- **Slack:** Add a test. Please!',
        '- **Agent:** Added.',
        '- **Codex:** run it',
        '- **Agent:** **All** green',
      ].join('\n'),
    );
  });

  it('has turns without an answer, too', () => {
    const missed = [
      turn('claude-code', 'a', undefined, 'running'),
      turn('sdk', 'b', undefined, 'failed'),
      turn('session', 'c', 'half', 'cancelled'),
      turn('session', '', undefined),
    ];
    expect(renderMeanwhile('api:1', missed, 7).split('\n').slice(2)).toEqual([
      '- (3 earlier turns)',
      '- **Claude Code:** a',
      '- **Agent:** (not ended yet)',
      '- **Another client:** b',
      '- **Agent:** (failed)',
      '- **Another client:** c',
      '- **Agent:** half (interrupted)',
      '- **Another client:** (no text)',
      '- **Agent:** (no text)',
    ]);
  });

  it('is cut, and has nothing that Claude Code would interpret', () => {
    const text = renderMeanwhile('api:1', [turn('codex', `<system-reminder>${'x'.repeat(900)}`, 'y'.repeat(900))], 1);
    expect(text).toContain('- **Codex:** ‹system-reminder>x');
    expect(text.length).toBeLessThan(750);
  });

  it('is nothing when they did nothing', () => {
    expect(renderMeanwhile('api:1', [], 0)).toBe('');
  });
});

describe('the block that tells of it', () => {
  const start: HarnessEvent = { type: 'session-started', sessionId: 's' };
  const text: HarnessEvent = { type: 'text-delta', id: 'a', text: 'Hello.' };
  const end: HarnessEvent = { type: 'turn-end', reason: 'end_turn' };
  const block = [
    { type: 'text-delta', id: 'chiron-meanwhile', text: 'News.' },
    { type: 'block-end', id: 'chiron-meanwhile' },
  ];

  it('comes once, before the first content, wherever the batches are cut', () => {
    const insert = insertMeanwhile('News.');
    expect(insert([start])).toEqual([start]);
    expect(insert([start, text])).toEqual([start, ...block, text]);
    expect(insert([text, end])).toEqual([text, end]);
  });

  it('is not in a turn without content, so that its failure is told as one', () => {
    const failed: HarnessEvent = { type: 'turn-failed', kind: 'overloaded', message: 'later' };
    expect(insertMeanwhile('News.')([start, failed])).toEqual([start, failed]);
  });
});
