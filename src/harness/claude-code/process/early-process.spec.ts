import { describe, expect, it } from 'vitest';
import { fitsEarly, settingsAllowSpares, toBindingRequests } from './early-process.js';
import { toProcessSetup } from './process-setup.js';

const PLAIN = toProcessSetup({});
const conversation = { kind: 'new', sessionId: 's' } as const;
const plan = { conversation, turn: { kind: 'prompt' }, changesRecord: false } as const;

describe('A Claude Code that was started early', () => {
  it('runs a turn that needs nothing at the start, on the conversation that it was started with', () => {
    expect(fitsEarly({ conversation }, plan, PLAIN, PLAIN.key)).toBe(true);
  });

  it.each([
    ['of another conversation', { ...plan, conversation: { ...conversation, sessionId: 'other' } }, PLAIN],
    ['that resumes what it has begun', { ...plan, conversation: { kind: 'resume', sessionId: 's' } as const }, PLAIN],
    ['whose record has changed', { ...plan, changesRecord: true }, PLAIN],
    ['that goes on in the middle', { ...plan, turn: { kind: 'continue', entries: [], events: [] } as const }, PLAIN],
    ['with an output schema', plan, toProcessSetup({ outputSchema: { type: 'object' } })],
  ])('does not run a turn %s', (_what, other, setup) => {
    expect(fitsEarly({ conversation }, other, setup, PLAIN.key)).toBe(false);
  });

  it('gets model, variables and instructions of its thread, and leaves out what there is not', () => {
    expect(toBindingRequests({ model: 'm', instructions: 'be brief', variables: { KEY: 'k' } })).toEqual([
      { subtype: 'apply_flag_settings', settings: { model: 'm', env: { KEY: 'k' } } },
      { subtype: 'initialize', appendSystemPrompt: 'be brief' },
    ]);
    expect(toBindingRequests({ model: undefined, instructions: undefined, variables: {} })).toEqual([
      { subtype: 'apply_flag_settings', settings: { env: {} } },
    ]);
  });

  it('is started for an unknown thread only if it starts no programs of the deployment by itself', () => {
    expect(settingsAllowSpares({}, {})).toBe(true);
    expect(settingsAllowSpares({}, { docs: { type: 'http', url: 'https://docs/mcp' } })).toBe(true);
    expect(settingsAllowSpares({}, { docs: { command: 'docs-server' } })).toBe(false);
    expect(settingsAllowSpares({ hooks: { SessionStart: [] } }, {})).toBe(false);
  });
});
