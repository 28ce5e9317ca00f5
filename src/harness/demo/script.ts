import type { FailureKind } from '../harness-event.js';

/** What the demo agent does in answer to a prompt. */
export type DemoAct =
  | { readonly kind: 'say'; readonly text: string; readonly think: boolean }
  | { readonly kind: 'shell'; readonly command: string }
  | { readonly kind: 'stream'; readonly count: number; readonly intervalMilliseconds: number }
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

/**
 * The act that a prompt asks for: `!<command>`, `/stream <count> <interval ms>`, `/sleep <seconds>`, `/fail <kind>`; any other
 * text is answered in words, after some thinking when it mentions "think".
 */
export function demoAct(prompt: string): DemoAct {
  const text = prompt.trim();
  if (text.startsWith('!') && text.length > 1) return { kind: 'shell', command: text.slice(1) };
  const [command, first = '', second = ''] = text.split(/\s+/);
  if (command === '/stream' && /^\d+$/.test(first)) {
    return { kind: 'stream', count: Math.min(Number(first), MAX_STREAM), intervalMilliseconds: Number(second) || 0 };
  }
  if (command === '/sleep' && /^\d+(\.\d+)?$/.test(first)) return { kind: 'sleep', milliseconds: Number(first) * 1000 };
  if (command === '/fail') {
    return { kind: 'fail', failure: FAILURES.find((failure) => failure === first) ?? 'internal' };
  }
  return { kind: 'say', text, think: /\bthink/i.test(text) };
}
