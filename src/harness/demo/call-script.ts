import type { CallerTools } from '../../domain/caller-tool.js';
import type { JsonObject } from '../../domain/harness-event.js';
import { parseObject } from '../../domain/json.js';

/** One step of a prompt that calls tools of the caller. */
export type ScriptStep =
  | { readonly kind: 'calls'; readonly calls: readonly ScriptedCall[] }
  | { readonly kind: 'shell'; readonly command: string }
  | { readonly kind: 'say'; readonly text: string };

/** A call that a prompt requests. */
export interface ScriptedCall {
  readonly name: string;
  readonly input: JsonObject;
}

const CALL = /^\/call\s+(\S+)\s*(.*)$/;

/**
 * Parses a prompt with `/call <tool> <JSON>` lines into steps; `undefined` for any other prompt. Consecutive calls are made at once, those
 * of a `then` line later. `!<command>` lines run in the shell, other lines are said.
 */
export function parseCallScript(prompt: string): readonly ScriptStep[] | undefined {
  // A prompt may have 30 MB.
  if (!prompt.includes('/call')) return undefined;
  const lines = prompt
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (!lines.some((line) => CALL.test(line))) return undefined;
  const steps: ScriptStep[] = [];
  let joins = false;
  for (const line of lines) {
    const [, name, input = ''] = CALL.exec(line) ?? [];
    const last = steps.at(-1);
    if (name === undefined) {
      if (line.startsWith('!')) steps.push({ kind: 'shell', command: line.slice(1) });
      else if (line !== 'then') steps.push({ kind: 'say', text: line });
    } else if (joins && last?.kind === 'calls') {
      steps[steps.length - 1] = { ...last, calls: [...last.calls, { name, input: parseObject(input) ?? {} }] };
    } else {
      steps.push({ kind: 'calls', calls: [{ name, input: parseObject(input) ?? {} }] });
    }
    joins = name !== undefined;
  }
  return steps;
}

/** The step that a turn with these tools performs now, and those that follow it. */
export function nextSteps(
  [step, ...rest]: readonly ScriptStep[],
  tools: CallerTools | undefined,
): readonly ScriptStep[] {
  if (step?.kind !== 'calls') return step === undefined ? [] : [step, ...rest];
  const offered = new Set((tools?.tools ?? []).map(({ name }) => name));
  const unknown = step.calls.filter(({ name }) => !offered.has(name));
  const says = unknown.map(({ name }): ScriptStep => ({ kind: 'say', text: `The caller has no tool ${name}.` }));
  const [first, ...others] = step.calls.filter(({ name }) => offered.has(name));
  if (first === undefined) return [...says, ...rest];
  if (tools?.allowsParallelCalls === true) return [...says, { kind: 'calls', calls: [first, ...others] }, ...rest];
  const later: readonly ScriptStep[] = others.length === 0 ? [] : [{ kind: 'calls', calls: others }];
  return [...says, { kind: 'calls', calls: [first] }, ...later, ...rest];
}
