import { expect, it } from 'vitest';
import { decodeRecording, recording } from '../__fixtures__/recordings.js';
import { decodeLine } from './decode.js';
import { continueTurn, initialDecoderState, isMessageOpen, parkTurn, startTurn } from './turn-state.js';

const lines = recording('claude-caller-tools');
const complete = lines.findIndex((line) => line.includes('"type":"message_delta"')) + 1;
const stateAfter = (count: number) =>
  lines.slice(0, count).reduce((state, line) => decodeLine(state, line)[0], startTurn(initialDecoderState()));

it('a message is open from its start to its final usage', () => {
  const open = lines.map((_, index) => isMessageOpen(stateAfter(index + 1).turn));
  expect(open.indexOf(true)).toBe(lines.findIndex((line) => line.includes('"type":"message_start"')));
  expect(open.indexOf(false, open.indexOf(true))).toBe(complete - 1);
});

it('the usage of a parked turn is not counted again in the turn that continues it', () => {
  const [parked, end] = parkTurn(stateAfter(complete));
  expect(end).toMatchObject({ type: 'turn-end', reason: 'tool_use', usage: { inputTokens: 100, outputTokens: 20 } });
  const events = decodeRecording(lines.slice(complete), continueTurn(parked));
  expect(events.at(-1)).toMatchObject({ type: 'turn-end', usage: { inputTokens: 100, outputTokens: 20 } });
});
