import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../domain/harness-event.js';
import { asString } from '../../../domain/json.js';
import type { SeedMessage } from '../../../domain/seed/seed-message.js';
import { ThreadFiles } from '../../../sandbox/files/thread-files.js';
import type { HarnessTurn } from '../../harness.js';
import { toTurnMark } from '../caller-tools/results.js';
import { dropTurns, findRecorded, seedRecord } from './record-changes.js';
import { toSeedUuid } from './seed-entries.js';
import { readTranscript, type Transcript } from './transcript.js';

const SESSION = '11111111-1111-4111-8111-111111111111';
const user = (uuid: string, more: JsonObject = {}): JsonObject => ({
  type: 'user',
  uuid,
  message: { role: 'user', content: [{ type: 'text', text: 'hi' }] },
  ...more,
});
const seed: readonly SeedMessage[] = [
  { role: 'user', content: [{ type: 'text', text: 'one' }] },
  { role: 'assistant', content: [{ type: 'text', text: 'two' }] },
];
const turnOf = (more: Partial<HarnessTurn> = {}): HarnessTurn => ({
  id: 'turn',
  prompt: [],
  attempt: 1,
  turnIndex: 0,
  ...more,
});

describe('the record of a conversation', () => {
  let folder: string;
  let files: ThreadFiles;
  let warnings: string[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'claude-record-'));
    files = new ThreadFiles(folder);
    warnings = [];
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function write(...entries: readonly JsonObject[]): Promise<Transcript> {
    const project = join(folder, 'home/.claude/projects/-any');
    await mkdir(project, { recursive: true });
    await writeFile(join(project, `${SESSION}.jsonl`), entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    const transcript = await readTranscript(files, SESSION);
    if (transcript === undefined) throw new Error('no transcript');
    return transcript;
  }

  const uuids = async (): Promise<readonly (string | undefined)[] | undefined> =>
    (await readTranscript(files, SESSION))?.entries.map(({ uuid }) => asString(uuid));

  const drop = (transcript: Transcript, dropFrom: string, attempt = 1) =>
    dropTurns(files, transcript, turnOf({ dropFrom, attempt }), {
      warn: (message: string) => void warnings.push(message),
    });

  it('ends before a dropped turn', async () => {
    const left = await drop(await write(user('a'), user('b'), user('c')), 'b');
    expect(left?.entries).toHaveLength(1);
    expect(await uuids()).toEqual(['a']);
  });

  it.each([
    ['the results that it brought', user('r', toTurnMark('turn-r'))],
    ['its prompt beside results', { type: 'attachment', uuid: 'q', attachment: { source_uuid: 'turn-r' } }],
  ])('ends before %s', async (_what, entry) => {
    await drop(await write(user('a'), entry, user('c')), 'turn-r');
    expect(await uuids()).toEqual(['a']);
  });

  it('is gone if the first turn is dropped, so that its id is free', async () => {
    expect(await drop(await write({ type: 'mode' }, user('a'), user('b')), 'a')).toBeUndefined();
    expect(await uuids()).toBeUndefined();
  });

  it('stays as it is without the dropped turn, with a warning in the first attempt', async () => {
    const transcript = await write(user('a'), user('b', { isSidechain: true }));
    expect(await drop(transcript, 'b', 2)).toBe(transcript);
    expect(warnings).toEqual([]);
    expect(await drop(transcript, 'b')).toBe(transcript);
    expect(warnings).toEqual([expect.stringContaining('does not have the turn b')]);
    expect(await uuids()).toEqual(['a', 'b']);
  });

  it('begins with a seed', async () => {
    expect(await seedRecord(files, undefined, SESSION, turnOf({ seed }))).toBe(false);
    expect((await readTranscript(files, SESSION))?.entries).toMatchObject([
      { type: 'user', parentUuid: null, sessionId: SESSION, uuid: toSeedUuid('turn', 0) },
      { type: 'assistant', parentUuid: toSeedUuid('turn', 0), sessionId: SESSION },
    ]);
  });

  it('has a seed behind what is there, and the prompt behind a seed that ends with the user', async () => {
    const transcript = await write(user('a'), user('side', { isSidechain: true }));
    const prompt = [{ type: 'text', text: 'go on' }] as const;
    expect(await seedRecord(files, transcript, SESSION, turnOf({ seed: seed.slice(0, 1), prompt }))).toBe(true);
    expect((await readTranscript(files, SESSION))?.entries.slice(2)).toMatchObject([
      { uuid: toSeedUuid('turn', 0), parentUuid: 'a' },
      { uuid: 'turn', parentUuid: toSeedUuid('turn', 0), message: { content: prompt } },
    ]);
  });

  it.each([
    ['all', 2],
    ['a part', 1],
  ])('has a seed once after an attempt that wrote %s of it', async (_what, written) => {
    await seedRecord(files, await write(user('a')), SESSION, turnOf({ seed: seed.slice(0, written) }));
    // A seed that ends with the user is written with its prompt, which the next attempt would find.
    const path = (await readTranscript(files, SESSION))?.path ?? '';
    const lines = (await readFile(join(folder, path), 'utf8')).split('\n').slice(0, written + 1);
    await writeFile(join(folder, path), `${lines.join('\n')}\n`);
    const found = await readTranscript(files, SESSION);
    await seedRecord(files, found, SESSION, turnOf({ seed, attempt: 2 }));
    expect(await uuids()).toEqual(['a', toSeedUuid('turn', 0), toSeedUuid('turn', 1)]);
  });

  it('tells which messages of the user it has', async () => {
    await write(user('a'), { type: 'attachment', uuid: 'q', attachment: { source_uuid: 'b' } });
    const isRecorded = await findRecorded(files, SESSION, ['a', 'b', 'c']);
    expect(['a', 'b', 'c'].map(isRecorded)).toEqual([true, true, false]);
    expect((await findRecorded(files, undefined, ['a']))('a')).toBe(false);
  });
});
