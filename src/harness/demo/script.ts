import type { FailureKind } from '../../domain/harness-event.js';
import { parseCallScript, type ScriptStep } from './call-script.js';

/** The action that a prompt requests of the demo agent. */
export type DemoCommand =
  | { readonly kind: 'reply'; readonly text: string; readonly think: boolean }
  | { readonly kind: 'shell'; readonly command: string }
  | {
      readonly kind: 'stream';
      readonly count: number;
      readonly intervalMs: number;
      /** Deltas per turn of the event loop, if the interval is 0. */
      readonly batchSize: number;
    }
  | { readonly kind: 'sleep'; readonly durationMs: number }
  | { readonly kind: 'steps'; readonly steps: readonly ScriptStep[] }
  | { readonly kind: 'seed' }
  | { readonly kind: 'fail'; readonly failure: FailureKind };

const FAILURES: readonly FailureKind[] = [
  'bad_request',
  'context_too_long',
  'authentication',
  'billing',
  'permission',
  'not_found',
  'rate_limit',
  'overloaded',
  'timeout',
  'internal',
];

/** Upper limit for the count of `/stream`. */
const MAX_STREAM_DELTAS = 1_000_000;

/** Upper limit for the deltas of one turn of the event loop, so that other work is not blocked. */
const MAX_BATCH_SIZE = 4096;

/**
 * Parses a prompt: `!<command>`, `/stream <count> <interval ms>`, `/sleep <seconds>`, `/fail <kind>`, `/call <tool> <JSON>`, `/seed`. Any other text gets a reply,
 * after some thinking if it mentions "think". With an interval of 0, `/stream` takes a third number, the batch size:
 * `/stream 1000 0 1` makes the finest-grained stream at full speed. Without tools, `!<command>` is plain text.
 */
export function parseDemoCommand(prompt: string, tools: 'all' | 'none' = 'all'): DemoCommand {
  const text = prompt.trim();
  const steps = tools === 'all' ? parseCallScript(text) : undefined;
  if (steps !== undefined) return { kind: 'steps', steps };
  if (tools === 'all' && text.startsWith('!') && text.length > 1) return { kind: 'shell', command: text.slice(1) };
  const [command, first = '', second = '', third = ''] = text.split(/\s+/, 4);
  if (command === '/stream' && /^\d+$/.test(first)) {
    return {
      kind: 'stream',
      count: Math.min(Number(first), MAX_STREAM_DELTAS),
      intervalMs: Number(second) || 0,
      batchSize: /^[1-9]\d*$/.test(third) ? Math.min(Number(third), MAX_BATCH_SIZE) : MAX_BATCH_SIZE,
    };
  }
  if (command === '/sleep' && /^\d+(\.\d+)?$/.test(first)) return { kind: 'sleep', durationMs: Number(first) * 1000 };
  if (text === '/seed') return { kind: 'seed' };
  if (command === '/fail') {
    return { kind: 'fail', failure: FAILURES.find((failure) => failure === first) ?? 'internal' };
  }
  return { kind: 'reply', text, think: /\bthink/i.test(text) };
}
