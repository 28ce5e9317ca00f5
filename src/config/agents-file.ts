import { readFileSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import type { JsonObject, JsonValue } from '../domain/harness-event.js';
import { isJsonObject, parseObject } from '../domain/json.js';
import { AGENT_PRESETS, type AgentPreset } from './agent-presets.js';
import {
  type AgentProvider,
  type AgentSettings,
  type AllowMode,
  DIALECT_NAMES,
  MODEL_APIS,
  type ModelChoice,
} from './agent-settings.js';
import type { Parsed } from './setting.js';

const EXPECTED = 'must be a readable JSON file with {"agents": {"<name>": {"preset": …, "models": […]}}}';
const NAME = /^[a-z][a-z0-9-]{0,63}$/;
const VARIABLE = /^[A-Za-z_]\w*$/;
/** The stored text of a command or of an argument ends at a zero byte; no name of a model has a line end. */
const LINE = /^[^\p{Cc}]+$/u;

/** What an agent has that no preset knows. */
const PLAIN: Omit<AgentPreset, 'displayName' | 'command'> = {
  args: [],
  env: {},
  passedVariables: [],
  instructionsFile: undefined,
  settingsFiles: [],
  modelChoice: undefined,
  allowMode: undefined,
  usesMcp: true,
  dialect: 'standard',
  provider: undefined,
};

const FIELDS = ['preset', 'displayName', 'command', 'models', ...Object.keys(PLAIN)];

/** What is wrong with the file, in words that hold no value of it. */
class AgentProblem extends Error {}

/**
 * Reads the deployment's agents from a file: `{"agents": {"opencode": {"models": ["openai/gpt-5.5"]}}}`. An entry whose name is a preset's, or
 * that names one, has what the preset has; its own fields replace those, but for `env` and `passedVariables`, which are added.
 *
 * @param reserved names that no agent may have
 */
export function parseAgentsFile(
  file: string | undefined,
  reserved: readonly string[],
): Parsed<readonly AgentSettings[]> {
  if (file === undefined) return { value: [] };
  const agents = parseObject(readText(file) ?? '')?.['agents'];
  if (!isJsonObject(agents)) return { expected: EXPECTED };
  try {
    return { value: Object.entries(agents).map(([name, entry]) => readAgent(name, entry, reserved)) };
  } catch (error) {
    if (error instanceof AgentProblem) return { expected: `names a file in which ${error.message}` };
    throw error;
  }
}

function readAgent(name: string, value: JsonValue, reserved: readonly string[]): AgentSettings {
  const at = `agents[${JSON.stringify(name)}]`;
  if (!NAME.test(name)) throw new AgentProblem(`${at} must have a name of lower-case letters, digits and hyphens`);
  if (reserved.includes(name)) throw new AgentProblem(`${at} must have another name: a harness of Chiron has this one`);
  const entry = objectAt(value, at);
  if (Object.keys(entry).some((field) => !FIELDS.includes(field)))
    throw new AgentProblem(`${at} has an unknown field; it may have ${FIELDS.join(', ')}`);
  const preset = findPreset(name, entry, at);
  const own = new Fields(entry, at);
  const command = own.text('command', LINE, 'a program') ?? preset?.command;
  if (command === undefined)
    throw new AgentProblem(`${at}.command must be set: there is no preset for this agent (${listPresets()})`);
  if (command.includes('/') && !isAbsolute(command))
    throw new AgentProblem(`${at}.command must be an absolute path, or a name`);
  const from = preset ?? { ...PLAIN, command, displayName: name };
  return {
    name,
    displayName: own.text('displayName', LINE, 'a text in one line') ?? from.displayName,
    command,
    args: own.texts('args', /^[^\0]*$/, 'texts') ?? from.args,
    env: { ...from.env, ...own.variables('env') },
    passedVariables: [...new Set([...from.passedVariables, ...(own.names('passedVariables') ?? [])])],
    instructionsFile: own.orNone('instructionsFile', from.instructionsFile, readHomePath),
    settingsFiles: own.paths('settingsFiles') ?? from.settingsFiles,
    models: [...new Set(own.texts('models', LINE, 'names of models') ?? [])],
    modelChoice: own.orNone('modelChoice', from.modelChoice, readModelChoice),
    allowMode: own.orNone('allowMode', from.allowMode, readAllowMode),
    usesMcp: own.flag('usesMcp') ?? from.usesMcp,
    dialect: own.oneOf('dialect', DIALECT_NAMES) ?? from.dialect,
    provider: own.orNone('provider', from.provider, (value, place) => readProvider(value, place, from.provider)),
  };
}

function findPreset(name: string, { preset }: JsonObject, at: string): AgentPreset | undefined {
  if (preset === undefined || preset === null) return preset === null ? undefined : AGENT_PRESETS[name];
  const found = typeof preset === 'string' && Object.hasOwn(AGENT_PRESETS, preset) ? AGENT_PRESETS[preset] : undefined;
  if (found === undefined) throw new AgentProblem(`${at}.preset must be one of ${listPresets()}`);
  return found;
}

function listPresets(): string {
  return Object.keys(AGENT_PRESETS).join(', ');
}

/** Reads the fields of an object of the file; each throws where its field has another form. */
class Fields {
  constructor(
    private readonly fields: JsonObject,
    private readonly at: string,
  ) {}

  text(name: string, form: RegExp, expected: string): string | undefined {
    const value = this.fields[name];
    if (value === undefined) return undefined;
    if (typeof value === 'string' && form.test(value)) return value;
    throw new AgentProblem(`${this.at}.${name} must be ${expected}`);
  }

  texts(name: string, form: RegExp, expected: string): readonly string[] | undefined {
    const value = this.fields[name];
    if (value === undefined) return undefined;
    const texts = Array.isArray(value) ? value.filter((text) => typeof text === 'string' && form.test(text)) : [];
    if (!Array.isArray(value) || texts.length !== value.length)
      throw new AgentProblem(`${this.at}.${name} must be a list of ${expected}`);
    return texts.filter((text) => typeof text === 'string');
  }

  paths(name: string): readonly string[] | undefined {
    return this.texts(name, LINE, 'paths')?.map((path) => readHomePath(path, `${this.at}.${name}`));
  }

  names(name: string): readonly string[] | undefined {
    return this.texts(name, VARIABLE, 'names of variables');
  }

  variable(name: string): string | undefined {
    return this.text(name, VARIABLE, 'the name of a variable');
  }

  variables(name: string): Readonly<Record<string, string>> {
    const value = this.fields[name];
    if (value === undefined) return {};
    const entries = Object.entries(objectAt(value, `${this.at}.${name}`));
    const texts = entries.flatMap(([variable, text]) =>
      VARIABLE.test(variable) && typeof text === 'string' && !text.includes('\0') ? [[variable, text] as const] : [],
    );
    if (texts.length !== entries.length)
      throw new AgentProblem(`${this.at}.${name} must have variables with texts for their values`);
    return Object.fromEntries(texts);
  }

  flag(name: string): boolean | undefined {
    const value = this.fields[name];
    if (value === undefined || typeof value === 'boolean') return value;
    throw new AgentProblem(`${this.at}.${name} must be true or false`);
  }

  oneOf<const Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined {
    const value = this.fields[name];
    const found = choices.find((choice) => choice === value);
    if (value !== undefined && found === undefined)
      throw new AgentProblem(`${this.at}.${name} must be one of ${choices.join(', ')}`);
    return found;
  }

  /** `null` takes away what the preset has. */
  orNone<Value>(
    name: string,
    fallback: Value | undefined,
    read: (value: JsonValue, at: string) => Value,
  ): Value | undefined {
    const value = this.fields[name];
    if (value === undefined) return fallback;
    return value === null ? undefined : read(value, `${this.at}.${name}`);
  }
}

function readHomePath(value: JsonValue, at: string): string {
  const isBelow = (path: string) =>
    LINE.test(path) && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  if (typeof value === 'string' && isBelow(value)) return value;
  throw new AgentProblem(`${at} must be the path of a file below the home of a thread, such as .agent/AGENTS.md`);
}

function readModelChoice(value: JsonValue, at: string): ModelChoice {
  const fields = new Fields(objectAt(value, at), at);
  const by = fields.oneOf('by', ['config-option', 'set-model', 'variable']);
  const option = fields.text('option', LINE, 'the name of an option');
  const variable = fields.variable('variable');
  if (by === 'config-option' && option !== undefined) return { by, option };
  if (by === 'variable' && variable !== undefined) return { by, variable };
  if (by === 'set-model') return { by };
  throw new AgentProblem(
    `${at} must be {"by": "config-option", "option": …}, {"by": "set-model"} or {"by": "variable", "variable": …}`,
  );
}

function readAllowMode(value: JsonValue, at: string): AllowMode {
  const fields = new Fields(objectAt(value, at), at);
  const by = fields.oneOf('by', ['mode', 'config-option']);
  const mode = fields.text('mode', LINE, 'the name of a mode');
  const option = fields.text('option', LINE, 'the name of an option');
  const set = fields.text('value', LINE, 'the value of the option');
  if (by === 'mode' && mode !== undefined) return { by, mode };
  if (by === 'config-option' && option !== undefined && set !== undefined) return { by, option, value: set };
  throw new AgentProblem(`${at} must be {"by": "mode", "mode": …} or {"by": "config-option", "option": …, "value": …}`);
}

function readProvider(value: JsonValue, at: string, preset: AgentProvider | undefined): AgentProvider {
  const fields = new Fields(objectAt(value, at), at);
  const api = fields.oneOf('api', MODEL_APIS) ?? preset?.api;
  const urlVariable = fields.variable('urlVariable') ?? preset?.urlVariable;
  const keyVariable = fields.variable('keyVariable') ?? preset?.keyVariable;
  if (api === undefined || urlVariable === undefined || keyVariable === undefined)
    throw new AgentProblem(`${at} must have api, urlVariable and keyVariable`);
  const defaultUrl = fields.text('defaultUrl', /^https?:\/\/[^\s]+$/, 'an http:// or https:// URL');
  return { api, urlVariable, keyVariable, defaultUrl: defaultUrl ?? preset?.defaultUrl };
}

function objectAt(value: JsonValue, at: string): JsonObject {
  if (!isJsonObject(value)) throw new AgentProblem(`${at} must be an object`);
  return value;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(resolve(file), 'utf8');
  } catch {
    // The path is in the operator's own configuration; the reason does not matter.
    return undefined;
  }
}
