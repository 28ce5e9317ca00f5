import { readFileSync } from 'node:fs';
import type { HarnessEvent } from '../../../domain/harness-event.js';
import { decodeLine } from '../decode/decode.js';
import { startTurn, initialDecoderState } from '../decode/turn-state.js';
import type { ClaudeState } from '../decode/turn-state.js';

/** Reads the lines that Claude Code 2.1.330 wrote in a turn against a scripted model. */
export function recording(name: string): readonly string[] {
  return readFileSync(new URL(`${name}.jsonl`, import.meta.url), 'utf8').trim().split('\n');
}

/** Decodes the lines into events. */
export function decodeRecording(
  lines: readonly (string | object)[],
  from: ClaudeState = startTurn(initialDecoderState()),
): readonly HarnessEvent[] {
  let state = from;
  return lines.flatMap((line) => {
    const [next, events] = decodeLine(state, typeof line === 'string' ? line : JSON.stringify(line));
    state = next;
    return events;
  });
}
