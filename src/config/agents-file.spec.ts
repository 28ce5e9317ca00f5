import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AGENT_PRESETS } from './agent-presets.js';
import type { AgentSettings } from './agent-settings.js';
import { parseAgentsFile } from './agents-file.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chiron-agents-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function parse(content: unknown, reserved: readonly string[] = ['claude-code', 'claudecode']) {
  const file = join(folder, 'agents.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return parseAgentsFile(file, reserved);
}

function agent(entry: unknown, name = 'robot'): AgentSettings {
  const parsed = parse({ agents: { [name]: entry } });
  const [first] = 'value' in parsed ? parsed.value : [];
  if (first === undefined) throw new Error('expected' in parsed ? parsed.expected : 'no agent');
  return first;
}

function problem(entry: unknown, name = 'robot'): string {
  const parsed = parse({ agents: { [name]: entry } });
  return 'expected' in parsed ? parsed.expected : 'no problem';
}

describe('an agents file', () => {
  it('is not needed', () => {
    expect(parseAgentsFile(undefined, [])).toEqual({ value: [] });
  });

  it('has its agents in its own order', () => {
    const parsed = parse({ agents: { qwen: {}, robot: { command: 'robot' }, opencode: {} } });
    expect('value' in parsed && parsed.value.map(({ name }) => name)).toEqual(['qwen', 'robot', 'opencode']);
  });

  it.each(['', '{', '[]', '{"agents": []}', '{"agent": {}}'])('is refused as a whole: %s', (text) => {
    expect(parse(text)).toEqual({ expected: expect.stringMatching(/^must be a readable JSON file with \{"agents": /) });
    expect(parseAgentsFile(join(folder, 'none.json'), [])).toEqual({
      expected: expect.stringMatching(/^must be a re/),
    });
  });
});

describe('an entry with a preset', () => {
  it.each(Object.keys(AGENT_PRESETS))('needs nothing but its name: %s', (name) => {
    expect(agent({}, name)).toEqual({ name, models: [], ...AGENT_PRESETS[name] });
  });

  it('may have another name', () => {
    expect(agent({ preset: 'opencode', models: ['scripted/one'] }, 'second')).toEqual({
      ...AGENT_PRESETS['opencode'],
      name: 'second',
      models: ['scripted/one'],
    });
  });

  it('replaces what its own fields say, and adds variables', () => {
    const changed = {
      displayName: 'Ours',
      command: '/opt/opencode',
      args: ['acp', '--pure'],
      env: { OPENCODE_DISABLE_SHARE: '0', MORE: 'x' },
      passedVariables: ['OPENROUTER_API_KEY'],
      instructionsFile: 'AGENTS.md',
      settingsFiles: ['.config/own.json'],
      models: ['a/b', 'a/b', 'c'],
      modelChoice: { by: 'variable', variable: 'MODEL' },
      allowMode: { by: 'mode', mode: 'yolo' },
      usesMcp: false,
      dialect: 'standard',
      provider: { urlVariable: 'LLM_URL', keyVariable: 'LLM_KEY' },
    };
    const { env = {}, passedVariables = [], provider } = AGENT_PRESETS['opencode'] ?? {};
    expect(agent(changed, 'opencode')).toEqual({
      ...changed,
      name: 'opencode',
      env: { ...env, ...changed.env },
      passedVariables: [...passedVariables, 'OPENROUTER_API_KEY'],
      models: ['a/b', 'c'],
      provider: { ...provider, ...changed.provider },
    });
  });

  it('loses with null what the preset has', () => {
    const none = { instructionsFile: null, modelChoice: null, allowMode: null, provider: null };
    expect(agent(none, 'gemini')).toMatchObject({
      instructionsFile: undefined,
      modelChoice: undefined,
      allowMode: undefined,
      provider: undefined,
      dialect: 'gemini',
    });
    expect(problem({ preset: null }, 'gemini')).toMatch(/agents\["gemini"\]\.command must be set/);
  });
});

describe('an entry without a preset', () => {
  it('needs a command, and keeps to the protocol', () => {
    expect(agent({ command: 'robot' })).toEqual({
      name: 'robot',
      displayName: 'robot',
      command: 'robot',
      args: [],
      env: {},
      passedVariables: [],
      instructionsFile: undefined,
      settingsFiles: [],
      models: [],
      modelChoice: undefined,
      allowMode: undefined,
      usesMcp: true,
      dialect: 'standard',
      provider: undefined,
    });
    expect(problem({})).toBe(
      'names a file in which agents["robot"].command must be set: there is no preset for this agent (opencode, copilot, qwen, kimi, gemini)',
    );
  });

  it('may say where the broker is to stand', () => {
    const provider = { api: 'anthropic', urlVariable: 'URL', keyVariable: 'KEY' };
    expect(agent({ command: 'r', provider }).provider).toEqual({ ...provider, defaultUrl: undefined });
  });
});

describe('what is wrong with an entry', () => {
  it.each(['Robot', '1robot', 'ro bot', 'a/b', ''])('may be its name: %j', (name) => {
    expect(problem({ command: 'x' }, name)).toContain(`agents[${JSON.stringify(name)}] must have a name of lower-case`);
  });

  it('may be the name of a harness or its type', () => {
    for (const name of ['claude-code', 'claudecode'])
      expect(problem({ command: 'x' }, name)).toMatch(/ must have another name: a harness of Chiron has this one$/);
  });

  it.each([
    ['text', ' must be an object'],
    [{ commnd: 'secret' }, ' has an unknown field; it may have preset, displayName, command, models, args'],
    [{ preset: 'secret' }, '.preset must be one of opencode, '],
    [{ preset: 'toString' }, '.preset must be one of opencode, '],
    [{ command: './secret' }, '.command must be an absolute path, or a name'],
    [{ command: '' }, '.command must be a program'],
    [{ args: 'secret' }, '.args must be a list of texts'],
    [{ args: ['a', 1] }, '.args must be a list of texts'],
    [{ env: { KEY: 1 } }, '.env must have variables with texts for their values'],
    [{ env: { 'A B': 'secret' } }, '.env must have variables with texts for their values'],
    [{ env: [] }, '.env must be an object'],
    [{ passedVariables: ['sk-secret'] }, '.passedVariables must be a list of names of variables'],
    [{ instructionsFile: '/etc/secret' }, '.instructionsFile must be the path of a file below the home'],
    [{ instructionsFile: '../secret' }, '.instructionsFile must be the path of a file below the home'],
    [{ settingsFiles: ['../secret'] }, '.settingsFiles must be the path of a file below the home'],
    [{ models: ['a\nb'] }, '.models must be a list of names of models'],
    [{ modelChoice: { by: 'config-option' } }, '.modelChoice must be {"by": "config-option", "option": …}, '],
    [{ modelChoice: { by: 'secret' } }, '.modelChoice.by must be one of config-option, set-model, variable'],
    [{ modelChoice: { by: 'variable', variable: 'a b' } }, '.modelChoice.variable must be the name of a variable'],
    [{ allowMode: { by: 'mode' } }, '.allowMode must be {"by": "mode", "mode": …} or '],
    [{ usesMcp: 'secret' }, '.usesMcp must be true or false'],
    [{ dialect: 'secret' }, '.dialect must be one of standard, opencode, '],
    [{ provider: { api: 'secret' } }, '.provider.api must be one of openai, anthropic, gemini'],
    [{ provider: { api: 'openai' } }, '.provider must have api, urlVariable and keyVariable'],
    [{ provider: { defaultUrl: 'secret' } }, '.provider must have api, urlVariable and keyVariable'],
  ])('may be one of its fields, which the problem names without its value: %j', (entry, text) => {
    const message = problem(typeof entry === 'string' ? entry : { command: 'x', ...entry });
    expect(message).toContain(`names a file in which agents["robot"]${text}`);
    expect(message).not.toContain('secret');
  });
});
