import type { JsonObject, JsonValue, ToolResultContent } from '../../../domain/harness-event.js';
import { asArray, asNumber, asObject, asObjects, asString, isJsonObject } from '../../../domain/json.js';
import { renderDiff } from './diff.js';

/**
 * What a tool gave back, from its last update.
 *
 * @param streamed output that came before, piece by piece
 * @param first what counts where both `content` and `rawOutput` say it
 */
export function toResultContent(
  update: JsonObject,
  streamed: string,
  first: 'content' | 'rawOutput',
): readonly ToolResultContent[] {
  const content = asObjects(update['content']).flatMap(toPart);
  const raw = rawContent(update['rawOutput']);
  const sources = first === 'content' ? [content, raw] : [raw, content];
  return sources.find((parts) => parts.length > 0) ?? texts(streamed);
}

/** The exit code of a command, wherever an agent tells it; `undefined` where it does not (recordings *.parallel). */
export function findExitCode({ rawOutput, _meta }: JsonObject): number | undefined {
  const raw = asObject(rawOutput);
  const shells = asObjects(raw['contents']).map((part) => part['exitCode']);
  const places = [
    raw['exit_code'],
    raw['exitCode'],
    asObject(raw['metadata'])['exit'],
    asObject(asObject(_meta)['terminal_exit'])['exit_code'],
    ...shells,
  ];
  return places.map(asNumber).find((code) => code !== undefined);
}

function toPart(part: JsonObject): readonly ToolResultContent[] {
  switch (part['type']) {
    case 'content':
      return toBlock(asObject(part['content']));
    case 'diff':
      return texts(renderDiff(part));
    default:
      return [];
  }
}

function toBlock(block: JsonObject): readonly ToolResultContent[] {
  switch (block['type']) {
    case 'text':
      return texts(block['text']);
    case 'image':
      return [
        { type: 'image', mediaType: asString(block['mimeType']) ?? 'image/png', data: asString(block['data']) ?? '' },
      ];
    case 'resource_link':
      return texts(block['uri']);
    case 'resource':
      return texts(asObject(block['resource'])['text']);
    default:
      return [];
  }
}

function rawContent(raw: JsonValue | undefined): readonly ToolResultContent[] {
  if (typeof raw === 'string') return texts(raw);
  if (Array.isArray(raw)) return asArray(raw).flatMap((part) => toBlock(asObject(part)));
  if (!isJsonObject(raw)) return [];
  const { output, content, stdout, error } = raw;
  if (Array.isArray(content)) return rawContent(content);
  return [output, content, stdout, error].map(texts).find((parts) => parts.length > 0) ?? [];
}

function texts(text: JsonValue | undefined): readonly ToolResultContent[] {
  return typeof text === 'string' && text !== '' ? [{ type: 'text', text }] : [];
}
