import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { removeFolders } from './support/folders.js';
import { skipReason } from './support/programs.js';
import { type RealHarness, type Rig, startRig } from './support/rig.js';
import { messageThrough, sayTo } from './support/say.js';

const HARNESSES: readonly RealHarness[] = ['claude-code', 'codex'];

describe.skipIf(skipReason !== undefined).each(HARNESSES)('A system prompt for %s', (harness) => {
  let rig: Rig | undefined;

  afterEach(async () => {
    await rig?.close();
    rig = undefined;
  });
  afterAll(removeFolders);

  it.each([
    ['of 128 KiB', 'rule '.repeat(26_300)],
    ['of 1 MB', 'rule '.repeat(210_000)],
    ['of 400 kB in characters of three bytes', '規則 '.repeat(60_000)],
  ])('%s reaches the agent complete', async (_, text) => {
    rig = await startRig(harness);
    const options = { thread: 'test:large', more: { system: `${text}Say what you see.` } };
    expect(await messageThrough(await sayTo(rig, ['SCENE:text one'], options))).toBe('one');
    expect(rig.model.requests.at(-1)?.system).toContain(`${text}Say what you see.`);
    const command = 'SCENE:tool printf %s "$CENTAUR_EXTRA_SYSTEM_PROMPT" | wc -c';
    const printed = /\d+/.exec(await messageThrough(await sayTo(rig, [command], options)))?.[0];
    expect(Number(printed)).toBeGreaterThan(100_000);
    expect(Number(printed)).toBeLessThan(131_072);
  });
});
