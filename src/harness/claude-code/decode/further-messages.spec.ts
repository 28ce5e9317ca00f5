import { describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../../domain/harness-event.js';
import { decodeRecording, recording } from '../__fixtures__/recordings.js';
import { expectMessage } from './further-messages.js';
import { initialDecoderState, startTurn } from './turn-state.js';

const FURTHER = '22222222-2222-4222-8222-222222222222';
const expecting = (id: string | undefined = 'm1') => expectMessage(startTurn(initialDecoderState()), FURTHER, id);

const outline = (events: readonly HarnessEvent[]) =>
  events.flatMap((event) => {
    if (event.type === 'block-end') return ['text'];
    if (event.type === 'user-message') return [`heard ${event.id}`];
    return event.type === 'turn-end' || event.type === 'turn-failed' ? [event.type] : [];
  });

describe('a further message', () => {
  const further = recording('claude-further-message');

  it('is heard in the same turn, in another model call after the first answer', () => {
    expect(outline(decodeRecording(further, expecting()))).toEqual(['text', 'heard m1', 'text', 'turn-end']);
  });

  it('does not keep a turn open that did not get it', () => {
    expect(outline(decodeRecording(further))).toEqual(['text', 'turn-end']);
  });

  it('is not told if it is the turn’s own prompt, for which the turn stays open as well', () => {
    expect(
      outline(decodeRecording(further, expectMessage(startTurn(initialDecoderState()), FURTHER, undefined))),
    ).toEqual(['text', 'text', 'turn-end']);
  });

  it('that is withdrawn before its turn ends does not keep that open', () => {
    expect(outline(decodeRecording(recording('claude-withdrawn-message'), expecting()))).toEqual(['text', 'turn-end']);
  });

  it('that is withdrawn after the answer ends the turn', () => {
    const answered = further.slice(0, further.findIndex((line) => line.includes('"type":"result"')) + 1);
    const withdrawn = { type: 'command_lifecycle', command_uuid: FURTHER, state: 'cancelled' };
    expect(outline(decodeRecording(answered, expecting()))).toEqual(['text']);
    expect(outline(decodeRecording([...answered, withdrawn], expecting()))).toEqual(['text', 'turn-end']);
  });

  it('goes on after a failure, which counts only if the message is withdrawn', () => {
    const failed = { type: 'result', subtype: 'success', is_error: true, api_error_status: 500, result: 'API Error' };
    const withdrawn = { type: 'command_lifecycle', command_uuid: FURTHER, state: 'cancelled' };
    const heard = { type: 'system', subtype: 'status', status: 'requesting', user_message_uuids: [FURTHER] };
    expect(outline(decodeRecording([failed, withdrawn], expecting()))).toEqual(['turn-failed']);
    expect(outline(decodeRecording([failed, heard, withdrawn], expecting()))).toEqual(['heard m1']);
  });
});
