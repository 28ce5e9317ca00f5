import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { McpServer } from '../../src/domain/mcp-server.js';
import type { Part } from '../support/scripted-model/anthropic-answer.js';
import { removeFolders } from './support/folders.js';
import { type HarnessRig, offeredTools, runTurn, startHarnessRig, turnOf } from './support/harness-rig.js';
import { startMcpServer, type TestMcpServer } from './support/mcp-server.js';
import {
  asks,
  conversationOf,
  outlineOf,
  runs,
  says,
  startPlannedModel,
  toolsOf,
  uses,
} from './support/planned-model.js';
import { readProcessFile, threadProcesses } from './support/processes.js';
import { skipReason } from './support/programs.js';

Logger.overrideLogger(false);

const TOKEN = 'Bearer a-secret-token';

describe.skipIf(skipReason !== undefined)('Claude Code with MCP servers of a turn', () => {
  let rig: HarnessRig | undefined;
  let server: TestMcpServer;

  beforeEach(async () => {
    server = await startMcpServer(['find', 'delete']);
  });
  afterEach(async () => {
    await rig?.close();
    rig = undefined;
    await server.close();
  });
  afterAll(removeFolders);

  async function start(...answers: readonly (readonly Part[])[]) {
    const model = await startPlannedModel(answers);
    const started = await startHarnessRig('claude-code', '', undefined, model);
    rig = started;
    return { model, folders: started.folders, open: (sessionId?: string) => started.open({ sessionId }) };
  }

  const docs = (more: Partial<McpServer> = {}): McpServer => ({
    name: 'docs',
    url: server.url,
    headers: { authorization: TOKEN },
    allowedTools: undefined,
    ...more,
  });

  it('calls their tools with the headers, which it does not show to what it runs', async () => {
    const { model, folders, open } = await start(
      [uses('mcp__docs__find', {}, 'toolu_1')],
      [runs('env; cat /proc/$PPID/cmdline; cat /proc/$PPID/environ', 'toolu_2')],
      [says('Done.')],
    );
    const session = open();
    const events = await runTurn(session, turnOf('hello', { mcpServers: [docs()] }));
    expect(outlineOf(events)).toEqual(
      expect.arrayContaining(['call toolu_1 docs/find', 'result toolu_1 find was here', 'text Done.']),
    );
    expect(server.headers.every(({ authorization }) => authorization === TOKEN)).toBe(true);
    expect(JSON.stringify([events, conversationOf(model)])).not.toContain('a-secret-token');
    const data = dirname(dirname(dirname(folders.workspace)));
    for (const pid of await threadProcesses(data)) {
      expect(await readProcessFile(pid, 'cmdline')).not.toContain('a-secret-token');
      expect(await readProcessFile(pid, 'environ')).not.toContain('a-secret-token');
    }
    for (const name of await readdir(dirname(folders.workspace), { recursive: true, withFileTypes: true })) {
      if (!name.isFile()) continue;
      expect(await readFile(join(name.parentPath, name.name), 'utf8')).not.toContain('a-secret-token');
    }
    await session.close();
  });

  it('refuses a tool that the turn does not allow', async () => {
    const { model, open } = await start(
      [uses('mcp__docs__find', {}, 'toolu_1'), uses('mcp__docs__delete', {}, 'toolu_2')],
      [says('Done.')],
    );
    const session = open();
    await runTurn(session, turnOf('hello', { mcpServers: [docs({ allowedTools: ['find'] })] }));
    expect(conversationOf(model)).toContain('user: result toolu_1 find was here');
    expect(conversationOf(model).join('\n')).toMatch(/user: error toolu_2 .*not allowed here/);
    expect(server.calls).toEqual(['find']);
    await session.close();
  });

  it('has other servers with the next turn, and none without any', async () => {
    const { model, open } = await start(
      [says('One.')],
      [uses('mcp__docs__find', {}, 'toolu_1')],
      [says('Two.')],
      [uses('mcp__docs__find', {}, 'toolu_2')],
    );
    const session = open();
    await runTurn(session, turnOf('one'));
    await runTurn(session, turnOf('two', { mcpServers: [docs()] }));
    expect(offeredTools(model)).toEqual(expect.arrayContaining(['mcp__docs__find', 'mcp__docs__delete']));
    expect(server.calls).toEqual(['find']);
    const requests = server.headers.length;
    await runTurn(session, turnOf('three'));
    expect(server.headers).toHaveLength(requests);
    // A conversation to which tools came later keeps them in its list, but cannot call them any more.
    expect(conversationOf(model).at(-1)).toMatch(/^user: error toolu_2 .*No such tool/);
    await session.close();
  });

  it('has them beside the tools of its caller, also when it continues with late results', async () => {
    const { open } = await start(
      [asks('look', {}, 'toolu_1')],
      [uses('mcp__docs__find', {}, 'toolu_2')],
      [says('Done.')],
    );
    const more = { callerTools: toolsOf(['look']), mcpServers: [docs()] };
    const before = open();
    const first = await runTurn(before, turnOf('hello', more));
    expect(outlineOf(first)).toEqual(['asks toolu_1 look {}', 'end tool_use']);
    await before.close();
    const after = open(first.find((event) => event.type === 'session-started')?.sessionId);
    const toolResults = [{ callId: 'toolu_1', content: [], isError: false }];
    const second = await runTurn(after, turnOf('', { prompt: [], toolResults, ...more }));
    expect(outlineOf(second)).toEqual(expect.arrayContaining(['result toolu_2 find was here', 'text Done.']));
    await after.close();
  });

  it('works on if a server cannot be reached', async () => {
    const { open } = await start([says('Done.')]);
    const session = open();
    const gone = docs({ url: 'http://127.0.0.1:9/mcp' });
    expect(outlineOf(await runTurn(session, turnOf('hello', { mcpServers: [gone] })))).toEqual([
      'text Done.',
      'end end_turn',
    ]);
    await session.close();
  });
});
