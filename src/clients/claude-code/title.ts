import { readContent, readRole, readTexts } from '../../anthropic/content.js';
import { isJsonObject } from '../../domain/json.js';
import { truncateAtCodePoint } from '../../domain/well-formed.js';
import type { ClientRequestBody } from '../client-profile.js';

/** Longest title that is made of a session's text, in characters. */
const MAX_TITLE = 60;

/** The answer to Claude Code's request for a session's title, made of the session's own words; `undefined` for any other request. */
export function titleAnswer({ messages, output_config: config }: ClientRequestBody): string | undefined {
  return wantsTitle(config?.['format']) ? JSON.stringify({ title: toTitle(messages) }) : undefined;
}

/**
 * Whether a schema has a title for its only property: what Claude Code asks for on a session's first message. A name that its user
 * asked for with `/rename` is another one, `name`, and worth an agent. [Claude Code 2.1.330]
 */
function wantsTitle(format: unknown): boolean {
  if (!isJsonObject(format) || format['type'] !== 'json_schema' || !isJsonObject(format['schema'])) return false;
  const { properties } = format['schema'];
  if (!isJsonObject(properties) || Object.keys(properties).length !== 1) return false;
  const { title } = properties;
  return isJsonObject(title) && title['type'] === 'string';
}

/** The first words of the user's message: of the `<session>` part of Claude Code's request, where there is one. */
function toTitle(messages: readonly unknown[]): string {
  const last = messages.findLast((message) => readRole(message) === 'user');
  const text = readTexts(readContent(last)).join('\n');
  const start = text.indexOf('<session>');
  const end = text.indexOf('</session>', start);
  const session = start === -1 || end === -1 ? text : text.slice(start + '<session>'.length, end);
  const line =
    session
      .split('\n')
      .find((candidate) => candidate.trim() !== '')
      ?.trim() ?? 'New session';
  if (line.length <= MAX_TITLE) return line;
  const cut = truncateAtCodePoint(line, MAX_TITLE - 1);
  // Between two words, unless the last one is most of it.
  const space = cut.lastIndexOf(' ');
  return `${(space > MAX_TITLE / 2 ? cut.slice(0, space) : cut).trimEnd()}…`;
}
