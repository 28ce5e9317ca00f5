import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { McpServer } from '../../src/domain/mcp-server.js';
import { toolsInNamespace } from './support/codex-model.js';
import { type CodexRig, outline, sessionIdOf, startCodexRig } from './support/codex-rig.js';
import { removeFolders } from './support/folders.js';
import { runTurn, turnOf } from './support/harness-rig.js';
import { readProcessFile } from './support/processes.js';
import { type NotesServer, startNotesServer } from './support/notes-mcp-server.js';
import { skipReason } from './support/programs.js';

Logger.overrideLogger(false);

const SECRET = 'a-token-of-the-caller';

let rig: CodexRig;
beforeEach(async () => {
  rig = await startCodexRig();
});
afterEach(() => rig.close());
afterAll(removeFolders);

async function startNotes(answerMs = 0): Promise<NotesServer> {
  const notes = await startNotesServer(answerMs);
  onTestFinished(() => notes.close());
  return notes;
}

const serverAt = ({ url }: NotesServer, more: Partial<McpServer> = {}): McpServer => ({
  name: 'notes',
  url,
  headers: { authorization: `Bearer ${SECRET}` },
  allowedTools: undefined,
  ...more,
});
const offered = () => toolsInNamespace(rig.model.bodies.at(-1), 'mcp__notes');

describe.skipIf(skipReason !== undefined)('Codex with an MCP server of the caller', () => {
  it('calls its tools, with the headers of the caller', async () => {
    const notes = await startNotes();
    rig.model.says([{ mcp: 'notes', tool: 'read', id: 'c1' }]);
    const events = await runTurn(rig.open(), turnOf('Go', { mcpServers: [serverAt(notes)] }));
    expect(events).toContainEqual({ type: 'tool-call', id: 'c1', name: 'read', server: 'notes', input: {} });
    expect(outline(events)).toContain('ran c1: read');
    expect(offered()).toEqual(['read', 'write']);
    expect(notes.requests.map(({ method }) => method)).toContain('tools/call');
    expect(new Set(notes.requests.map(({ authorization }) => authorization))).toEqual(new Set([`Bearer ${SECRET}`]));
  });

  it('uses only the tools that are allowed', async () => {
    const notes = await startNotes();
    rig.model.says([{ mcp: 'notes', tool: 'write', id: 'c1' }]);
    const mcpServers = [serverAt(notes, { allowedTools: ['read'] })];
    await runTurn(rig.open(), turnOf('Go', { mcpServers }));
    expect(offered()).toEqual(['read']);
    expect(notes.requests.map(({ method }) => method)).not.toContain('tools/call');
  });

  it('waits for a server that is slow to start', async () => {
    const notes = await startNotes(900);
    await runTurn(rig.open(), turnOf('Go', { mcpServers: [serverAt(notes)] }));
    expect(offered()).toEqual(['read', 'write']);
  });

  it('works without a server that cannot be reached', async () => {
    const mcpServers = [{ name: 'notes', url: 'http://127.0.0.1:9/mcp', headers: {}, allowedTools: undefined }];
    const events = await runTurn(rig.open(), turnOf('Go', { mcpServers }));
    expect(outline(events)).toEqual(['says Done.', 'tokens', 'ends end_turn']);
  });

  it('has the servers of each turn, and none of the turn before', async () => {
    const notes = await startNotes();
    const session = rig.open();
    await runTurn(session, turnOf('One'));
    expect(offered()).toEqual([]);
    await runTurn(session, turnOf('Two', { mcpServers: [serverAt(notes)] }));
    expect(offered()).toEqual(['read', 'write']);
    await runTurn(session, turnOf('Three', { mcpServers: [serverAt(notes, { allowedTools: ['write'] })] }));
    expect(offered()).toEqual(['write']);
    const events = await runTurn(session, turnOf('Four'));
    expect(offered()).toEqual([]);
    expect(events.some(({ type }) => type === 'session-started')).toBe(false);
  });

  it('keeps the token out of its files, its arguments, and the environment of its tools', async () => {
    const notes = await startNotes();
    const session = rig.open();
    rig.model.says([{ shell: 'env > environment; cat /proc/*/cmdline > arguments 2>/dev/null; true', id: 's1' }]);
    const events = await runTurn(session, turnOf('Go', { mcpServers: [serverAt(notes)] }));
    const { workspace, home } = rig.folders;
    expect(readFileSync(`${workspace}/environment`, 'utf8')).toContain('HOME=');
    expect(readFileSync(`${workspace}/arguments`, 'utf8')).toContain('app-server');
    for (const pid of await rig.pids()) expect(await readProcessFile(pid, 'environ')).not.toContain(SECRET);
    await session.close();
    await runTurn(rig.open(sessionIdOf(events)), turnOf('Again'));
    const found = execFileSync('sh', ['-c', 'grep -rl "$1" "$2" "$3" || true', 'sh', SECRET, workspace, home]);
    expect(found.toString()).toBe('');
  });
});
