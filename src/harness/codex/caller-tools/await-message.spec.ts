import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ThreadFiles } from '../../../sandbox/files/thread-files.js';
import { awaitMessage } from './await-message.js';

const DAY = 'home/.codex/sessions/2026/11/26';
const lines = readFileSync(new URL('../__fixtures__/rollout-parked.jsonl', import.meta.url), 'utf8').split('\n');
const end = lines.findIndex((line) => line.includes('token_usage_record'));

let root: string;
let path: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'chiron-message-'));
  mkdirSync(join(root, DAY), { recursive: true });
  path = join(root, DAY, 'rollout-2026-11-26T10-00-00-conversation.jsonl');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const wait = (isOver = () => false) =>
  awaitMessage(new ThreadFiles(root), { conversation: 'conversation', from: 0 }, 'call_a', isOver);
const write = (from: number, to: number) => appendFileSync(path, `${lines.slice(from, to).join('\n')}\n`);

describe('The end of the message that made a call', () => {
  it('is awaited in a recording that is only just begun', async () => {
    const message = wait();
    write(0, end);
    await new Promise((resolve) => setImmediate(resolve));
    write(end, end + 1);
    expect((await message)?.calls.map(({ id }) => id)).toEqual(['call_a', 'call_s', 'call_b']);
  });

  it('is not awaited when the turn is over', async () => {
    write(0, end);
    let isOver = false;
    const message = wait(() => isOver);
    isOver = true;
    expect(await message).toBeUndefined();
  });

  it('is not awaited for ever where nothing is recorded', async () => {
    writeFileSync(path, '');
    expect(await wait()).toBeUndefined();
  });
});
