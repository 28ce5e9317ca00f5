import {
  appendFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ThreadFiles } from '../../../sandbox/files/thread-files.js';
import { mendCancelledCalls, removeOutputs } from './cut.js';
import { findRecordings, readRecording, recordingSize, recordTools } from './rollout.js';

const DAY = 'home/.codex/sessions/2026/11/26';
const FIRST = `${DAY}/rollout-2026-11-26T10-00-00-conversation.jsonl`;
const SECOND = `${DAY}/rollout-2026-11-26T10-00-00-conversation_01a2.jsonl`;
const THIRD = `${DAY}/rollout-2026-11-26T10-00-00-conversation_01b3.jsonl`;
const fixture = (name: string) => readFileSync(new URL(`../__fixtures__/${name}.jsonl`, import.meta.url), 'utf8');

let root: string;
let files: ThreadFiles;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'chiron-rollout-'));
  files = new ThreadFiles(root);
  mkdirSync(join(root, DAY), { recursive: true });
  mkdirSync(join(root, 'server'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const put = (path: string, text: string) => writeFileSync(join(root, path), text);
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');

describe('The recordings of a conversation', () => {
  it('are found, the newest part first', async () => {
    for (const path of [SECOND, FIRST, THIRD]) put(path, '');
    put(`${DAY}/rollout-2026-11-26T10-00-00-another.jsonl`, '');
    expect(await findRecordings(files, 'conversation')).toEqual([THIRD, SECOND, FIRST]);
    expect(await findRecordings(files, 'unknown')).toEqual([]);
  });

  it('are read from where a line begins', async () => {
    put(FIRST, fixture('rollout-parked'));
    const size = await recordingSize(files, FIRST);
    expect(await readRecording(files, FIRST, size)).toEqual([]);
    appendFileSync(join(root, FIRST), '{"ordinal":99,"type":"token_usage_record","payload":{}}\n');
    expect(await readRecording(files, FIRST, size)).toEqual([
      { offset: size, ordinal: 99, type: 'token_usage_record', payload: {} },
    ]);
    expect(await readRecording(files, SECOND)).toEqual([]);
  });
});

describe('A recording that is not one', () => {
  it.each([
    ['a link', () => symlinkSync('/etc/hostname', join(root, FIRST))],
    ['a folder', () => mkdirSync(join(root, FIRST))],
  ])('as it is %s, has no lines', async (_, make) => {
    make();
    expect(await readRecording(files, FIRST)).toEqual([]);
  });

  it('is read although a backup gave it a second name', async () => {
    put(FIRST, fixture('rollout-parked'));
    linkSync(join(root, FIRST), join(root, 'backup'));
    expect(await readRecording(files, FIRST)).toHaveLength(10);
  });
});

describe('The tools of a recorded conversation', () => {
  it.each([
    ['whose last line has ended', ''],
    ['whose last line was torn', '{"ordinal":16,"ty'],
  ])('are replaced by a line at the end of a recording %s', async (_, torn) => {
    put(FIRST, `${fixture('rollout-parked')}${torn}`);
    await recordTools(files, FIRST, 'conversation', [{ type: 'namespace', name: 'caller' }]);
    const last = (await readRecording(files, FIRST)).at(-1);
    expect(last).toMatchObject({
      type: 'dynamic_tools_updated',
      payload: { thread_id: 'conversation', tools: [{ type: 'namespace', name: 'caller' }] },
    });
    expect(last?.ordinal).toBe(16);
  });
});

describe('A recording', () => {
  it('loses the outputs that a stopping Codex made up, and Codex its index', async () => {
    put('server/codex-home', '/home/agent');
    put(FIRST, fixture('rollout-cancelled'));
    await mendCancelledCalls(files, 'conversation');
    expect(textOf(FIRST)).not.toContain('was cancelled');
    expect(textOf(FIRST)).not.toContain('turn_aborted');
    expect(textOf(FIRST)).toContain('"call_s"');
    expect(await files.stat('server/codex-home')).toBeUndefined();
  });

  it('without such outputs stays as it is', async () => {
    put('server/codex-home', '/home/agent');
    put(FIRST, fixture('rollout-parked'));
    await mendCancelledCalls(files, 'conversation');
    expect(textOf(FIRST)).toBe(fixture('rollout-parked'));
    expect(await files.stat('server/codex-home')).toBeDefined();
  });

  it('is cut before the outputs of calls in the part that has them, and loses the parts after it', async () => {
    put(FIRST, fixture('rollout-cancelled'));
    put(SECOND, fixture('rollout-parked'));
    expect(await removeOutputs(files, 'conversation', ['call_a'])).toBe(true);
    expect(await findRecordings(files, 'conversation')).toEqual([FIRST]);
    expect(textOf(FIRST)).not.toContain('function_call_output');
    expect(await removeOutputs(files, 'conversation', ['call_a'])).toBe(false);
  });
});
