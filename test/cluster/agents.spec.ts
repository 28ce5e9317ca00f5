import { existsSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { removeFolders } from '../clients/support/folders.js';
import { CLAUDE_CODE, CODEX, skipReason } from '../clients/support/programs.js';
import { claudeCodeVariables, codexVariables, type RealHarness } from '../clients/support/rig.js';
import { startScriptedAnthropicModel } from '../support/scripted-model/anthropic.js';
import { startScriptedResponsesModel } from '../support/scripted-model/responses.js';
import type { ScriptedModel } from '../support/scripted-model/scene.js';
import { askUntilAnswered } from './support/caller.js';
import { TestCluster } from './support/cluster.js';

const HARNESSES: readonly RealHarness[] = ['claude-code', 'codex'];

let cluster: TestCluster | undefined;
let model: ScriptedModel | undefined;

afterEach(async () => {
  await cluster?.close();
  await model?.close();
});

afterAll(() => removeFolders());

async function startOn(harness: RealHarness): Promise<TestCluster> {
  model = harness === 'claude-code' ? await startScriptedAnthropicModel() : await startScriptedResponsesModel();
  const variables = harness === 'claude-code' ? claudeCodeVariables(model) : await codexVariables(model);
  cluster = await TestCluster.start({
    CHIRON_DEFAULT_HARNESS: harness,
    CHIRON_CLAUDE_BIN: CLAUDE_CODE,
    CHIRON_CODEX_BIN: CODEX,
    ...variables,
  });
  return cluster;
}

const read = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');

describe.skipIf(skipReason !== undefined).each(HARNESSES)('%s on two workers', (harness) => {
  it('remembers its conversation through any gateway', async () => {
    const servers = await startOn(harness);
    const [g1, g2] = [servers.server('g1').url, servers.server('g2').url];
    await askUntilAnswered(g1, 'SCENE:text first', { thread: 'kept', model: harness });
    const second = await askUntilAnswered(g2, 'SCENE:tool cat note || echo none', { thread: 'kept', model: harness });
    expect(second.results.join()).toContain('none');
    // The model got the first message again, out of the agent’s own record.
    expect(JSON.stringify(model?.requests.at(-1))).toContain('SCENE:text first');
  });

  it('goes on elsewhere when its worker is killed, and its tool runs once', async () => {
    const servers = await startOn(harness);
    const file = servers.mark('once');
    await askUntilAnswered(servers.url, 'SCENE:text remember this', { thread: 'moved', model: harness });
    const caller = askUntilAnswered(servers.url, `SCENE:slow-tool echo ran >> ${file}`, {
      thread: 'moved',
      model: harness,
    });
    await expect.poll(() => read(file), { timeout: 60_000 }).toBe('ran\n');
    servers.server(await servers.holderOf('test:moved')).start.signal('SIGKILL');
    const answer = await caller;
    expect(answer.text.length).toBeGreaterThan(0);
    const turns = await servers.query(
      `select turns.state, attempt from turns join threads on threads.id = thread_id order by sequence`,
    );
    expect(turns).toEqual([
      { state: 'completed', attempt: 1 },
      { state: 'completed', attempt: 2 },
    ]);
    expect(read(file)).toBe('ran\n');
    // The record of the agent was on the worker that is gone: the new one was told what was said before.
    expect(JSON.stringify(model?.requests.at(-1))).toContain('remember this');
  });
});
