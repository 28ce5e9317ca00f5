import { readFileSync } from 'node:fs';
import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { asObject, parseObject } from '../../../domain/json.js';
import { decodePi } from '../decode/decode.js';
import { PI_START, type PiState, withQueued } from '../decode/state.js';

/** The lines of a file beside this one. */
export function linesOf(name: string): readonly JsonObject[] {
  const text = readFileSync(new URL(`${name}.jsonl`, import.meta.url), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => parseObject(line) ?? {});
}

/**
 * Decodes what pi said in a recording, one turn for each `prompt`. A message of `steer` is queued under the id `further-<n>`. What is between the turns
 * is left out.
 */
export function decodePiRecording(name: string, now: () => number = () => 0): readonly (readonly HarnessEvent[])[] {
  const turns: HarnessEvent[][] = [];
  let state: PiState = PI_START;
  let steered = 0;
  for (const { dir, msg } of linesOf(name)) {
    const message = asObject(msg);
    if (dir === '->') {
      if (message['type'] === 'steer') {
        steered += 1;
        state = withQueued(state, { id: `further-${steered}`, text: String(message['message']) });
      }
      if (message['type'] !== 'prompt') continue;
      turns.push([]);
      state = PI_START;
      continue;
    }
    const [next, events] = decodePi(state, message, now());
    state = next;
    turns.at(-1)?.push(...events);
  }
  return turns;
}
