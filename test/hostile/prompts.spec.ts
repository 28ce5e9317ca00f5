import { afterAll, describe, expect, it } from 'vitest';
import type { RealHarness } from '../clients/support/rig.js';
import { type Hostile, removeFolders, skipReason, startHostile } from './support.js';

const HARNESSES: readonly RealHarness[] = ['claude-code', 'codex'];

describe.skipIf(skipReason !== undefined).each(HARNESSES)('The system prompt of a caller of %s', (harness) => {
  let hostile: Hostile | undefined;

  afterAll(async () => {
    await hostile?.close();
    await removeFolders();
  });

  it.each([
    ['of 200 kB', `${'rule '.repeat(40_000)}THE LAST RULE`],
    ['of exactly 128 KiB', `${'r'.repeat(131_072 - 'THE LAST RULE'.length)}THE LAST RULE`],
    ['of a megabyte', `${'rule '.repeat(200_000)}THE LAST RULE`],
    ['of characters of several bytes', `${'régle ü '.repeat(20_000)}THE LAST RULE`],
  ])('%s is heard whole', async (name, system) => {
    hostile ??= await startHostile(harness);
    const before = hostile.rig.model.requests.length;
    const answer = await hostile.say(name, 'SCENE:text I am fine', { system });
    expect(answer).toEqual({ status: 200, text: 'I am fine' });
    expect(JSON.stringify(hostile.rig.model.requests.slice(before).map(({ body }) => body))).toContain('THE LAST RULE');
  });
});
