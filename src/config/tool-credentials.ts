import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { JsonObject, JsonValue } from '../domain/harness-event.js';
import { isJsonObject, parseObject } from '../domain/json.js';
import type { CredentialForm, CredentialSecret, ToolCredential } from '../domain/tool-credential.js';
import { parseHostRule } from '../domain/host-rule.js';
import type { Parsed, Variables } from './setting.js';

const FORMS = ['bearer', 'basic', 'header'] as const;
const FIELDS: readonly string[] = ['host', 'paths', 'methods', ...FORMS];
/** RFC 9110, section 5.6.2. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
/** Headers that carry no credential, and that the proxy sets by itself. */
const NOT_CREDENTIALS =
  /^(?:host|connection|content-.*|transfer-encoding|te|trailer|upgrade|expect|keep-alive|proxy-.*)$/i;

/** What is wrong with the file, in words that hold no secret. */
class CredentialProblem extends Error {}

/**
 * Reads the deployment's credentials for tools: `{"credentials": [{"host": …, "bearer" | "basic" | "header": …, "paths": […], "methods": […]}]}`.
 * A secret is `{"file": path}` or `{"env": name}`.
 */
export function parseCredentialsFile(
  file: string | undefined,
  variables: Variables,
): Parsed<readonly ToolCredential[]> {
  if (file === undefined) return { value: [] };
  const text = readText(file);
  const list = text === undefined ? undefined : parseObject(text)?.['credentials'];
  if (!Array.isArray(list)) return { expected: 'must be a readable JSON file with {"credentials": [{"host": …}]}' };
  try {
    return { value: list.map((entry, index) => readCredential(entry, `credentials[${index}]`, variables)) };
  } catch (error) {
    if (error instanceof CredentialProblem) return { expected: `names a file in which ${error.message}` };
    throw error;
  }
}

function readCredential(value: JsonValue, at: string, variables: Variables): ToolCredential {
  const entry = objectAt(value, at);
  const unknown = Object.keys(entry).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined)
    throw new CredentialProblem(`${at} has an unknown field; it may have ${FIELDS.join(', ')}`);
  const host = parseHostRule(textAt(entry['host'], `${at}.host`), [443]);
  if (host === undefined || typeof host.ports === 'string') {
    throw new CredentialProblem(`${at}.host must be a host such as git.corp, *.corp or git.corp:8443`);
  }
  return {
    host,
    form: readForm(entry, at, variables),
    paths: listAt(entry['paths'], `${at}.paths`, /^\/[\x21-\x7e]*$/, 'beginnings of paths such as "/org/"'),
    methods: listAt(entry['methods'], `${at}.methods`, /^[A-Z]+$/, 'methods such as "GET"'),
  };
}

function readForm(entry: JsonObject, at: string, variables: Variables): CredentialForm {
  const [kind, ...others] = FORMS.filter((form) => entry[form] !== undefined);
  if (kind === undefined || others.length > 0)
    throw new CredentialProblem(`${at} must have one of ${FORMS.join(', ')}`);
  const place = `${at}.${kind}`;
  switch (kind) {
    case 'bearer':
      return { kind, secret: readSecretSource(entry[kind], place, variables) };
    case 'basic': {
      const { user, password } = objectAt(entry[kind], place);
      const name = textAt(user, `${place}.user`);
      // RFC 7617: the first colon ends the user's name.
      if (name.includes(':')) throw new CredentialProblem(`${place}.user must not contain a colon`);
      return { kind, user: name, secret: readSecretSource(password, `${place}.password`, variables) };
    }
    case 'header': {
      const { name, value } = objectAt(entry[kind], place);
      const header = textAt(name, `${place}.name`);
      if (!TOKEN.test(header) || NOT_CREDENTIALS.test(header)) {
        throw new CredentialProblem(`${place}.name must be a header for credentials, such as "PRIVATE-TOKEN"`);
      }
      return { kind, name: header.toLowerCase(), secret: readSecretSource(value, `${place}.value`, variables) };
    }
    default:
      return kind satisfies never;
  }
}

function readSecretSource(value: JsonValue | undefined, at: string, variables: Variables): CredentialSecret {
  const { file, env } = isJsonObject(value) ? value : {};
  if (typeof file === 'string' && env === undefined) {
    const path = resolve(file);
    if (!isUsable(readText(path))) throw new CredentialProblem(`${at}.file must name a readable file with one line`);
    return { kind: 'file', path };
  }
  if (typeof env === 'string' && file === undefined) {
    const secret = variables[env]?.trim();
    if (!isUsable(secret)) throw new CredentialProblem(`${at}.env must name a variable of the server with one line`);
    return { kind: 'value', value: secret };
  }
  throw new CredentialProblem(`${at} must be {"file": "<path>"} or {"env": "<name of a variable>"}`);
}

/** Whether a secret can be put into a header. */
function isUsable(secret: string | undefined): secret is string {
  return secret !== undefined && /^[\x20-\x7e]+$/.test(secret);
}

function objectAt(value: JsonValue | undefined, at: string): JsonObject {
  if (!isJsonObject(value)) throw new CredentialProblem(`${at} must be an object`);
  return value;
}

function textAt(value: JsonValue | undefined, at: string): string {
  if (typeof value !== 'string' || value === '') throw new CredentialProblem(`${at} must be a text`);
  return value;
}

function listAt(value: JsonValue | undefined, at: string, form: RegExp, expected: string): readonly string[] {
  if (value === undefined) return [];
  const texts = Array.isArray(value) ? value.filter((text) => typeof text === 'string' && form.test(text)) : [];
  if (!Array.isArray(value) || texts.length !== value.length || texts.length === 0) {
    throw new CredentialProblem(`${at} must be a list of ${expected}`);
  }
  return texts.filter((text) => typeof text === 'string');
}

/** Trimmed; `undefined` if it cannot be read. */
function readText(path: string): string | undefined {
  try {
    return readFileSync(resolve(path), 'utf8').trim();
  } catch {
    // The path is in the operator's own configuration; the problem names the place.
    return undefined;
  }
}
