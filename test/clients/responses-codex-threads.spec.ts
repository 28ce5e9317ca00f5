import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type RunningServer } from '../support/running-server.js';
import { prepareCodex } from './support/codex-caller.js';
import { startCuttingProxy } from './support/cutting-proxy.js';
import { removeFolders } from './support/folders.js';
import { isRecord, type JsonRecord, recordsOf, textOf } from './support/json.js';
import { skipReason } from './support/programs.js';
import { startRig } from './support/rig.js';
import { turnsOf } from './support/turns.js';

let server: RunningServer;

beforeAll(async () => {
  server = await startServer({ CHIRON_DEMO: 'on', CHIRON_DEFAULT_HARNESS: 'demo' });
});
afterAll(async () => {
  await server.stop();
  await removeFolders();
});

const threadId = (events: readonly JsonRecord[]): string =>
  textOf(events.find(({ type }) => type === 'thread.started')?.['thread_id']);

async function threadKeys(): Promise<readonly string[]> {
  const body: unknown = await (await fetch(`${server.url}/api/sessions?limit=100`)).json();
  return (isRecord(body) ? recordsOf(body['sessions']) : []).map(({ thread_key: key }) => textOf(key));
}

describe.skipIf(skipReason !== undefined)('the threads of codex exec', () => {
  it('are new ones where it forks a session, whose agent gets the conversation so far', async () => {
    const rig = await startRig('claude-code');
    try {
      const codex = await prepareCodex(rig.server.url, 'model = "claude-code"\nmodel_provider = "chiron"');
      const first = await codex.exec('SCENE:text A heron stood there');
      const before = rig.model.requests.length;
      const forked = await codex.exec('fork', threadId(first.events), 'SCENE:text It flew away');
      expect(forked.messages).toEqual(['It flew away']);
      expect(threadId(forked.events)).not.toBe(threadId(first.events));
      expect(JSON.stringify(rig.model.requests.slice(before))).toContain('A heron stood there');
      for (const { events } of [first, forked]) {
        expect(await turnsOf(rig.server, `api:codex:${threadId(events)}`)).toHaveLength(1);
      }
    } finally {
      await rig.close();
    }
  });

  it('are not touched by its reviews, each of which has a thread of its own', async () => {
    const codex = await prepareCodex(server.url);
    execFileSync('git', ['init', '-q'], { cwd: codex.workspace });
    await writeFile(join(codex.workspace, 'new.txt'), 'something to review');
    const before = await threadKeys();
    const review = await codex.exec('review', '--uncommitted');
    expect(review).toMatchObject({ code: 0 });
    expect(review.messages.at(-1)).toContain('You said: Review the current code changes');
    const added = (await threadKeys()).filter((key) => !before.includes(key));
    expect(added).toHaveLength(1);
    expect(await turnsOf(server, added[0] ?? '')).toMatchObject([{ status: 'completed' }]);
  });

  it('go on with the same agent after it has compacted its own copy of the conversation', async () => {
    const proxy = await startCuttingProxy(server.url, [], '/v1/responses');
    try {
      const config = 'model = "demo"\nmodel_provider = "chiron"\nmodel_auto_compact_token_limit = 2';
      const codex = await prepareCodex(proxy.url, config);
      const first = await codex.exec('one');
      const id = threadId(first.events);
      await codex.exec('resume', id, 'two');
      const third = await codex.exec('resume', id, 'three');
      expect(third.messages.at(-1)).toContain('This is turn 3 of this thread. You said: three');
      // Those for summaries are no turns.
      expect(proxy.requests.length).toBeGreaterThan(3);
      expect(await turnsOf(server, `api:codex:${id}`)).toHaveLength(3);
    } finally {
      await proxy.close();
    }
  });
});
