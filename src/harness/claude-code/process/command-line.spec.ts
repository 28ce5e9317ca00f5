import { describe, expect, it } from 'vitest';
import { ThreadFiles } from '../../../sandbox/files/thread-files.js';
import type { HarnessThread } from '../../harness.js';
import { buildCommandLine, buildClaudeEnvironment, supportsClientComposed, toPromptLine } from './command-line.js';

const thread: HarnessThread = {
  id: 't',
  folders: { workspace: '/w', home: '/h', server: '/s' },
  files: new ThreadFiles('/nowhere'),
  model: undefined,
  systemPrompt: undefined,
  tools: 'all',
  sessionId: undefined,
  env: { CLAUDE_MODEL: 'x', CLAUDE_CONFIG_DIR: '/elsewhere', DISABLE_TELEMETRY: '0' },
};

const turnOf = (...texts: readonly string[]) => ({
  id: 'u',
  prompt: texts.map((text) => ({ type: 'text' as const, text })),
  attempt: 1,
  turnIndex: 0,
});

const files = { settings: '/s/settings.json', mcpConfig: undefined, memories: [], plugins: [] };

describe('how Claude Code is started', () => {
  it('begins or resumes a conversation', () => {
    expect(buildCommandLine(thread, { kind: 'new', sessionId: 's' }, files).slice(-2)).toEqual(['--session-id', 's']);
    expect(buildCommandLine(thread, { kind: 'resume', sessionId: 's' }, files).slice(-2)).toEqual(['--resume', 's']);
  });

  it('names a model and instructions only when there are some', () => {
    const plain = buildCommandLine(thread, { kind: 'new', sessionId: 's' }, files).join(' ');
    expect(plain).not.toMatch(/--model|--append/);
    const full = buildCommandLine({ ...thread, model: 'opus' }, { kind: 'new', sessionId: 's' }, files, {
      systemPromptFile: '/h/i.md',
    }).join(' ');
    expect(full).toContain('--model opus --append-system-prompt-file /h/i.md');
  });

  it('wants answers of a schema only when there is one', () => {
    const start = { kind: 'new', sessionId: 's' } as const;
    expect(buildCommandLine(thread, start, files)).not.toContain('--json-schema');
    const args = buildCommandLine(thread, start, files, { schema: '{"type":"object"}' });
    expect(args[args.indexOf('--json-schema') + 1]).toBe('{"type":"object"}');
  });

  it('leaves a thread without tools nothing to act with', () => {
    const none: HarnessThread = { ...thread, tools: 'none' };
    const args = buildCommandLine(none, { kind: 'new', sessionId: 's' }, files);
    expect(args[args.indexOf('--tools') + 1]).toBe('');
    expect(args).toEqual(expect.arrayContaining(['--safe-mode', '--strict-mcp-config', '--disable-slash-commands']));
  });

  it('gets the caller’s text verbatim, marked as free of commands and files', () => {
    const turn = turnOf('Hello', '/clear @file');
    expect(JSON.parse(toPromptLine(turn, true))).toMatchObject({
      client_composed: true,
      message: { content: turn.prompt },
    });
  });

  it('gets a line end before a command, in versions without that mark', () => {
    const lastOf = (...texts: readonly string[]) =>
      JSON.parse(toPromptLine(turnOf(...texts), false)).message.content.at(-1);
    expect(lastOf('Hello', '/clear')).toEqual({ type: 'text', text: '\n/clear' });
    expect(lastOf('/clear', 'Hello')).toEqual({ type: 'text', text: 'Hello' });
    expect(lastOf('')).toEqual({ type: 'text', text: '' });
  });

  it.each([
    ['2.1.330', true],
    ['2.1.331-beta.1', true],
    ['2.2.0', true],
    ['3.0.0', true],
    [undefined, true],
    ['2.1.329', false],
    ['2.1.197', false],
    ['2.0.999', false],
    ['1.9.999', false],
  ])('knows whether %s supports that mark', (version, knows) => {
    expect(supportsClientComposed(version)).toBe(knows);
  });

  it('lets the thread set any variable but the folder of the conversation', () => {
    const variables = buildClaudeEnvironment(thread, '/h/.claude', true, false);
    expect(variables).toMatchObject({ CLAUDE_MODEL: 'x', CLAUDE_CONFIG_DIR: '/h/.claude', IS_SANDBOX: '1' });
    expect(variables['DISABLE_TELEMETRY']).toBe('0');
    expect(variables['CLAUDE_CODE_RESUME_INTERRUPTED_TURN']).toBeUndefined();
    expect(buildClaudeEnvironment(thread, '/h/.claude', false, true)).toMatchObject({
      CLAUDE_CODE_RESUME_INTERRUPTED_TURN: '1',
    });
    expect(buildClaudeEnvironment(thread, '/h/.claude', false, true)['IS_SANDBOX']).toBeUndefined();
  });
});
