import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ThreadFiles } from '../../../sandbox/files/thread-files.js';
import { callIdsOf, freshNotes, readNotes, withMark, withoutMarksFrom, writeNotes } from './notes.js';

let root: string;
let files: ThreadFiles;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'chiron-notes-'));
  files = new ThreadFiles(root);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const marked = (...turnIds: readonly string[]) =>
  turnIds.reduce((notes, turnId) => withMark(notes, { turnId, callIds: [`call of ${turnId}`] }), freshNotes('c', 'k'));

describe('The notes of a conversation', () => {
  it('are read as they were written', async () => {
    const notes = { ...marked('one', 'two'), hasChanged: true };
    await writeNotes(files, notes);
    expect(await readNotes(files, 'c')).toEqual(notes);
  });

  it('keep that its tools are not known', async () => {
    await writeNotes(files, freshNotes('c', undefined));
    expect((await readNotes(files, 'c')).toolsKey).toBeUndefined();
  });

  it('are fresh for another conversation, without a file, and with one that is damaged', async () => {
    expect(await readNotes(files, 'c')).toEqual(freshNotes('c', ''));
    await writeNotes(files, marked('one'));
    expect(await readNotes(files, 'other')).toEqual(freshNotes('other', ''));
    mkdirSync(join(root, 'server'), { recursive: true });
    writeFileSync(join(root, 'server/codex.json'), '{"conv');
    expect(await readNotes(files, 'c')).toEqual(freshNotes('c', ''));
  });

  it('know where turns with results begin, each once, and forget the dropped ones', () => {
    const notes = withMark(marked('one', 'two', 'three'), { turnId: 'two', callIds: ['again'] });
    expect(callIdsOf(notes, 'two')).toEqual(['again']);
    expect(notes.marks.map(({ turnId }) => turnId)).toEqual(['one', 'three', 'two']);
    expect(withoutMarksFrom(notes, 'three').marks.map(({ turnId }) => turnId)).toEqual(['one']);
    expect(withoutMarksFrom(notes, 'unknown')).toBe(notes);
    expect(callIdsOf(undefined, 'two')).toBeUndefined();
  });
});
