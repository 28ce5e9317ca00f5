import type { JsonObject } from '../../../domain/harness-event.js';
import { asString } from '../../../domain/json.js';
import type { KeptEntries } from './cut-off-calls.js';
import { readBlocks } from './entries.js';

/** With what Claude Code 2.1.330 goes on with an interrupted turn, in an entry of the user that has `isMeta` (recorded). */
const CONTINUE = 'Continue from where you left off.';

/**
 * Leaves out Claude Code's own request to continue if nothing was said after it. A later process does not take it for an interrupted turn:
 * it would wait for a prompt, and the turn would stand still until it counts as stalled (2.1.330, seen).
 */
export function dropContinuation(record: KeptEntries): KeptEntries {
  const last = record.kept.findLastIndex(({ type }) => type === 'user' || type === 'assistant');
  const entry = record.kept[last];
  if (entry === undefined || !isContinuation(entry)) return record;
  return { ...record, kept: record.kept.slice(0, last), cutFrom: asString(entry['uuid']) };
}

function isContinuation(entry: JsonObject): boolean {
  return entry['isMeta'] === true && readBlocks(entry).some(({ text }) => text === CONTINUE);
}
