import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { newClaudeCode } from './support/claude-code.js';
import { newSharedFolder, removeFolders } from './support/folders.js';
import { threadProcesses } from './support/processes.js';
import { skipReason } from './support/programs.js';
import { type RealHarness, type Rig, startRig } from './support/rig.js';

/** Chiron marks every process that it starts, and what that starts, with an id of its own. */
const TELL_PROCESS = 'SCENE:tool echo "$CHIRON_PROCESS"; pwd';
const HARNESSES: readonly RealHarness[] = ['claude-code', 'codex'];

describe.skipIf(skipReason !== undefined).each(HARNESSES)('A conversation of Claude Code with %s', (harness) => {
  let rig: Rig | undefined;

  afterEach(async () => {
    await rig?.close();
    rig = undefined;
  });
  afterAll(removeFolders);

  it('keeps one process and one workspace over its turns, even if a prompt repeats', async () => {
    const shared = await newSharedFolder('marker');
    rig = await startRig(harness, shared.setting);
    const { dataDirectory } = rig.server;
    const caller = await newClaudeCode(rig.server.url);
    const marker = join(shared.path, 'runs');
    const prompt = `${TELL_PROCESS}; echo ran >> ${marker}`;
    const first = await caller.ask(prompt);
    const [process] = await threadProcesses(dataDirectory);
    expect(process).toBeDefined();
    const second = await caller.ask(prompt, '--resume', first.sessionId);
    expect(first.toolOutput).toMatch(/^[\da-f-]{36}\n\/(?:.*\/)?workspace\n?$/);
    expect(second.toolOutput).toBe(first.toolOutput);
    expect(second.sessionId).toBe(first.sessionId);
    // The oldest: those that pass on single connections come and go.
    expect((await threadProcesses(dataDirectory))[0]).toBe(process);
    expect(await readFile(marker, 'utf8')).toBe('ran\nran\n');
  });

  it('continues in a new process after the first was stopped as idle', async () => {
    rig = await startRig(harness, { CHIRON_HARNESS_IDLE_SECONDS: '1' });
    const { dataDirectory } = rig.server;
    const caller = await newClaudeCode(rig.server.url);
    const first = await caller.ask(`${TELL_PROCESS} # the first turn`);
    await expect.poll(() => threadProcesses(dataDirectory), { timeout: 15_000 }).toEqual([]);
    const second = await caller.ask(`${TELL_PROCESS} # the second turn`, '--resume', first.sessionId);
    const [firstProcess, firstWorkspace] = first.toolOutput.split('\n');
    const [secondProcess, secondWorkspace] = second.toolOutput.split('\n');
    expect(secondProcess).toMatch(/^[\da-f-]{36}$/);
    expect(secondProcess).not.toBe(firstProcess);
    expect(secondWorkspace).toBe(firstWorkspace);
    expect(conversationOf(rig)).toContain('# the first turn');
    expect(conversationOf(rig)).toContain('# the second turn');
    // What the tool of the first turn printed is remembered, too.
    expect(conversationOf(rig)).toContain(firstProcess);
  });

  it('continues after the server was restarted on the same data', async () => {
    rig = await startRig(harness);
    const before = rig;
    const caller = await newClaudeCode(before.server.url);
    const first = await caller.ask('SCENE:text I will remember the heron');
    await before.server.stop();
    const after = await before.startAgain();
    rig = after;
    const second = await caller.to(after.server.url).ask('SCENE:text second', '--resume', first.sessionId);
    expect(second.result).toMatchObject({ is_error: false, result: 'second' });
    expect(conversationOf(after)).toContain('I will remember the heron');
  });
});

/** All that the inner model was sent with its newest request. */
function conversationOf({ model }: Rig): string {
  return JSON.stringify(model.requests.at(-1)?.body);
}
