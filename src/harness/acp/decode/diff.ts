import type { JsonObject } from '../../../domain/harness-event.js';
import { asString } from '../../../domain/json.js';

/** Lines around a change. */
const CONTEXT = 3;

/**
 * A `diff` of a tool's content as a unified diff with one hunk: what the texts begin and end with alike is left out. The protocol gives both texts, a whole
 * file or a part of one; without an `oldText`, the file is new.
 */
export function renderDiff({ path, oldText, newText }: JsonObject): string {
  const name = asString(path) ?? '';
  const before = toLines(asString(oldText) ?? '');
  const after = toLines(asString(newText) ?? '');
  const start = commonStart(before, after);
  const end = commonStart(before.slice(start).toReversed(), after.slice(start).toReversed());
  const removed = before.slice(start, before.length - end);
  const added = after.slice(start, after.length - end);
  if (removed.length === 0 && added.length === 0) return '';
  const from = Math.max(0, start - CONTEXT);
  const head = before.slice(from, start);
  const tail = before.slice(before.length - end, before.length - end + CONTEXT);
  const range = (sign: string, changed: number): string => {
    const count = head.length + changed + tail.length;
    return `${sign}${count === 0 ? 0 : from + 1},${count}`;
  };
  return [
    `--- ${typeof oldText === 'string' ? name : '/dev/null'}`,
    `+++ ${name}`,
    `@@ ${range('-', removed.length)} ${range('+', added.length)} @@`,
    ...head.map((line) => ` ${line}`),
    ...removed.map((line) => `-${line}`),
    ...added.map((line) => `+${line}`),
    ...tail.map((line) => ` ${line}`),
    '',
  ].join('\n');
}

function toLines(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

function commonStart(one: readonly string[], other: readonly string[]): number {
  const index = one.findIndex((line, at) => line !== other[at]);
  return index < 0 ? Math.min(one.length, other.length) : index;
}
