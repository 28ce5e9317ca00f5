import type { JsonObject } from '../../../domain/harness-event.js';
import { asObject, asString } from '../../../domain/json.js';

/**
 * One change of a `fileChange` item as a unified diff. Codex 0.169.0 gives hunks for an update, but the file's whole content for
 * an added or a deleted one (recording codex-patchshell).
 */
export function renderFileChange(change: JsonObject): string {
  const path = asString(change['path']) ?? '';
  const kind = asObject(change['kind']);
  const diff = asString(change['diff']) ?? '';
  switch (asString(kind['type']) ?? asString(change['kind'])) {
    case 'add':
      return fullFileDiff(diff, '/dev/null', path, '+');
    case 'delete':
      return fullFileDiff(diff, path, '/dev/null', '-');
    default:
      return `${header(path, asString(kind['move_path']) ?? asString(kind['movePath']) ?? path)}${diff}`;
  }
}

function fullFileDiff(content: string, before: string, after: string, sign: '+' | '-'): string {
  const lines = content === '' ? [] : content.replace(/\n$/, '').split('\n');
  const hunk = sign === '+' ? `@@ -0,0 +1,${lines.length} @@` : `@@ -1,${lines.length} +0,0 @@`;
  return `${header(before, after)}${[hunk, ...lines.map((line) => sign + line)].join('\n')}\n`;
}

function header(before: string, after: string): string {
  return `--- ${before}\n+++ ${after}\n`;
}
