import { describe, expect, it } from 'vitest';
import { absent } from '../../test/support/scripted-harness.js';
import { NoSandbox } from '../../test/support/no-sandbox.js';
import { readConfig } from '../config/app-config.js';
import { claudeCode } from './claude-code/definition.js';
import { codex } from './codex/definition.js';
import type { HarnessDefinition } from './definition.js';
import { demo } from './demo/definition.js';
import { HarnessRegistry } from './harness.registry.js';
import type { Harness } from './harness.js';

const emacs: HarnessDefinition = { ...codex, name: 'emacs', sessionType: 'emacs', home: { EMACS_HOME: '.emacs.d' } };

function present(definition: HarnessDefinition): HarnessDefinition {
  const harness: Harness = {
    needsTools: definition.name === 'emacs',
    probe: () => Promise.resolve('1.0.0'),
    knowsModel: (model) => model.startsWith(definition.name),
    open: () => {
      throw new Error('nothing is opened here');
    },
  };
  return { ...definition, create: () => harness };
}

async function found(names: readonly string[], variables: Readonly<Record<string, string>>) {
  const all = [claudeCode, codex, demo, emacs].map((one) => (names.includes(one.name) ? present(one) : absent(one)));
  const registry = new HarnessRegistry(all, new NoSandbox(), readConfig(variables, all));
  await registry.probeAll();
  return registry;
}

describe('the demo agent', () => {
  it.each([
    [['demo'], {}],
    [['claude-code', 'demo'], { CHIRON_DEFAULT_HARNESS: 'demo' }],
    [['claude-code', 'demo'], { CHIRON_DEMO: 'on' }],
    [['codex', 'demo'], { CHIRON_DEFAULT_HARNESS: 'codex', CHIRON_DEMO: 'on' }],
  ] as const)('is available as the default harness or with CHIRON_DEMO=on: %j %j', async (names, variables) => {
    const registry = await found(names, variables);
    expect(registry.serves('demo')).toBe(true);
    expect(registry.route('demo/x')).toEqual({ harness: 'demo', model: 'x' });
    expect(registry.find('demo')).toBeDefined();
  });

  it.each([
    [['claude-code', 'demo'], {}],
    [['codex', 'demo'], { CHIRON_DEFAULT_HARNESS: 'codex' }],
    [['claude-code', 'demo'], { CHIRON_MODEL_ROUTES: 'fast=demo,*=demo' }],
    [['claude-code', 'demo'], { CHIRON_DEMO: 'off' }],
  ] as const)('is not available next to another agent under any name: %j %j', async (names, variables) => {
    const registry = await found(names, variables);
    expect(registry.serves('demo')).toBe(false);
    expect(registry.available.map(({ name }) => name)).not.toContain('demo');
    for (const model of ['demo', 'demo/x']) expect(registry.route(model)).toBeUndefined();
    expect(registry.route('fast')?.harness).not.toBe('demo');
    expect(registry.find('demo')).toBeUndefined();
  });

  it.each([
    [{ CHIRON_DEMO: 'off' }, /CHIRON_DEFAULT_HARNESS: is auto, but no agent program was found and CHIRON_DEMO is off/],
    [{ CHIRON_DEMO: 'off', CHIRON_DEFAULT_HARNESS: 'demo' }, /CHIRON_DEFAULT_HARNESS: is demo, but CHIRON_DEMO is off/],
    [{ CHIRON_DEFAULT_HARNESS: 'codex' }, /CHIRON_DEFAULT_HARNESS: is codex, but its program was not found/],
  ])('does not replace a missing agent: %j', async (variables, problem) => {
    await expect(found(['demo'], variables)).rejects.toThrow(problem);
  });
});

describe('HarnessRegistry', () => {
  it.each([
    [['claude-code', 'codex', 'demo'], 'codex-1', 'codex'],
    [['claude-code', 'emacs'], 'emacs-1', 'emacs'],
    [['codex', 'emacs', 'demo'], 'emacs-1', 'emacs'],
    [['claude-code', 'demo'], 'demo-1', 'claude-code'],
    [['demo', 'emacs'], 'emacs-1', 'demo'],
  ])('routes a model to the harness that knows it if two agents have models: %j, %s', async (names, model, harness) => {
    const registry = await found(names, { CHIRON_DEMO: 'on' });
    expect(registry.route(model)?.harness).toBe(harness);
  });

  it('routes all models to a configured default harness', async () => {
    const registry = await found(['claude-code', 'emacs'], { CHIRON_DEFAULT_HARNESS: 'claude-code' });
    expect(registry.route('emacs-1')?.harness).toBe('claude-code');
  });

  it.each([
    [['claude-code', 'emacs'], 'emacs/x', { harness: 'claude-code', model: undefined }],
    [['demo', 'codex', 'emacs'], 'emacs/x', { harness: 'codex', model: undefined }],
    [['claude-code', 'emacs'], 'claude-code/x', { harness: 'claude-code', model: 'x' }],
    [['demo', 'emacs'], 'emacs/x', { harness: 'emacs', model: 'x' }],
    [['claude-code'], 'emacs/x', undefined],
  ])('routes a thread without tools to an agent that can go without: %j, %s', async (names, model, choice) => {
    const registry = await found(names, { CHIRON_DEMO: 'on' });
    expect(registry.routeWithoutTools(model)).toEqual(choice);
  });

  it('does not offer a harness whose program is missing', async () => {
    const registry = await found(['claude-code'], {});
    expect(registry.route('emacs/x')).toBeUndefined();
    expect([registry.serves('emacs'), registry.serves('vim')]).toEqual([false, false]);
  });

  it('lists the home folders of unavailable harnesses too', async () => {
    const registry = await found(['claude-code'], {});
    expect(registry.homeFolders).toEqual(['.claude', '.codex', '.emacs.d']);
    const folders = { workspace: '/w', home: '/h', server: '/s' };
    expect(registry.homeVariables(folders)).toMatchObject({ CODEX_HOME: '/h/.codex', EMACS_HOME: '/h/.emacs.d' });
  });

  it('refuses two harnesses with one name or one session type', () => {
    const make = (again: HarnessDefinition) => new HarnessRegistry([emacs, again], new NoSandbox(), readConfig({}));
    expect(() => make({ ...emacs, sessionType: 'other' })).toThrow('duplicate harness name or session type: emacs');
    expect(() => make({ ...emacs, name: 'other' })).toThrow('duplicate harness name or session type: emacs');
  });
});
