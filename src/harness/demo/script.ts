import type { FailureKind } from '../../domain/harness-event.js';

/** What the demo agent does in answer to a prompt. */
export type DemoAct =
  | { readonly kind: 'say'; readonly text: string; readonly think: boolean }
  | { readonly kind: 'shell'; readonly command: string }
  | {
      readonly kind: 'stream';
      readonly count: number;
      readonly intervalMilliseconds: number;
      /** Deltas that one turn of the event loop is given, when there is no interval. */
      readonly slice: number;
    }
  | { readonly kind: 'sleep'; readonly milliseconds: number }
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

/** Most deltas that one `/stream` may ask for. */
const MAX_STREAM = 1_000_000;

/** Most deltas that one turn of the event loop is given, so that others have theirs. */
const MAX_SLICE = 4096;

/**
 * The act that a prompt asks for: `!<command>`, `/stream <count> <interval ms>`, `/sleep <seconds>`, `/fail <kind>`; any other
 * text is answered in words, after some thinking when it mentions "think". With an interval of 0 `/stream` takes a third number:
 * how many deltas come at once, of which `/stream 1000 0 1` makes a stream as live, and as fast, as there can be.
 * Without tools no command is run.
 */
export function demoAct(prompt: string, tools: 'all' | 'none' = 'all'): DemoAct {
  const text = prompt.trim();
  if (tools === 'all' && text.startsWith('!') && text.length > 1) return { kind: 'shell', command: text.slice(1) };
  const [command, first = '', second = '', third = ''] = text.split(/\s+/);
  if (command === '/stream' && /^\d+$/.test(first)) {
    return {
      kind: 'stream',
      count: Math.min(Number(first), MAX_STREAM),
      intervalMilliseconds: Number(second) || 0,
      slice: /^[1-9]\d*$/.test(third) ? Math.min(Number(third), MAX_SLICE) : MAX_SLICE,
    };
  }
  if (command === '/sleep' && /^\d+(\.\d+)?$/.test(first)) return { kind: 'sleep', milliseconds: Number(first) * 1000 };
  if (command === '/fail') {
    return { kind: 'fail', failure: FAILURES.find((failure) => failure === first) ?? 'internal' };
  }
  return { kind: 'say', text, think: /\bthink/i.test(text) };
}
