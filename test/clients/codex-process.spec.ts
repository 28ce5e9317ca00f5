import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lastValueFrom, reduce, tap } from 'rxjs';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import type { HarnessEvent } from '../../src/domain/harness-event.js';
import { conversationOf } from './support/codex-model.js';
import { outline, sessionIdOf, startCodexRig } from './support/codex-rig.js';
import { newFolder, removeFolders } from './support/folders.js';
import { readProcessFile, threadProcesses } from './support/processes.js';
import { runTurn, turnOf } from './support/harness-rig.js';
import { CODEX, skipReason } from './support/programs.js';
import { startRig } from './support/rig.js';
import { loadSdk } from './support/sdk.js';

/** A Node as they were before 22.15, where the script of Codex's package stays for as long as Codex runs. */
const OLDER_NODE = `#!/bin/sh
exec '${process.execPath}' --import 'data:text/javascript,delete process.execve' "$@"
`;

afterAll(removeFolders);

describe.skipIf(skipReason !== undefined)('Codex of npm', () => {
  it.each([
    ['the script of the package', () => Promise.resolve(CODEX)],
    [
      'a link to it',
      async () => {
        const link = join(await newFolder('bin'), 'codex');
        await symlink(CODEX, link);
        return link;
      },
    ],
  ])('answers without a process of its script, with CHIRON_CODEX_BIN as %s', async (_, findCommand) => {
    const bin = join(await newFolder('node'), 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'node'), OLDER_NODE, { mode: 0o755 });
    const { Anthropic } = await loadSdk('sdk-1');
    const rig = await startRig('codex', {
      CHIRON_CODEX_BIN: await findCommand(),
      PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    });
    onTestFinished(() => rig.close());
    const client = new Anthropic({ baseURL: rig.server.url, apiKey: 'any', maxRetries: 0 });
    const messages = [{ role: 'user' as const, content: 'SCENE:text Here' }];
    const { content } = await client.messages.create({ model: 'default', max_tokens: 1000, messages });
    expect(content).toMatchObject([{ type: 'text', text: 'Here' }]);
    // The process waits for the next turn.
    const pids = await threadProcesses(rig.server.dataDirectory);
    const commands = await Promise.all(pids.map((pid) => readProcessFile(pid, 'cmdline')));
    expect(commands.filter((command) => /^[^\0]*node\0/.test(command))).toEqual([]);
    expect(commands).toContainEqual(expect.stringMatching(/^[^\0]*\/bin\/codex\0app-server\0/));
  });

  it('goes on with a turn that was handed off without hearing that its user had interrupted it', async () => {
    const rig = await startCodexRig();
    onTestFinished(() => rig.close());
    rig.model.says([{ text: 'Let me look.' }, { pauseMs: 30_000 }], [{ shell: 'echo seen', id: 's1' }]);
    const turn = turnOf('Go');
    const session = rig.open();
    const died = await lastValueFrom(
      session.run(turn).pipe(
        tap((events) => {
          if (events.some(({ type }) => type === 'block-end')) void session.close();
        }),
        reduce<readonly HarnessEvent[], readonly HarnessEvent[]>((all, next) => [...all, ...next], []),
      ),
    );
    expect(died.at(-1)).toMatchObject({ type: 'turn-failed', kind: 'process_died' });
    const again = { ...turn, attempt: 2, priorEvents: died.slice(0, -1) };
    const events = await runTurn(rig.open(sessionIdOf(died)), again);
    expect(outline(events).filter((line) => line !== 'tokens')).toEqual([
      'says Let me look.',
      'runs s1',
      'ran s1: seen',
      'says Done.',
      'ends end_turn',
    ]);
    const told = ['user: Go', 'assistant: Let me look.', expect.stringMatching(/^call s1/), 'output s1: seen'];
    expect(conversationOf(rig.model.bodies.at(-1))).toEqual(told);
  });
});
