import { describe, expect, it } from 'vitest';
import { planEvents, toToolItem } from './items.js';

describe('tool items', () => {
  it('names an MCP tool by its server, and gives back its text and images', () => {
    const item = {
      type: 'mcpToolCall',
      server: 'github',
      tool: 'search_issues',
      status: 'completed',
      arguments: { q: 'x' },
      result: {
        content: [
          { type: 'text', text: '3 results' },
          { type: 'image', mimeType: 'image/jpeg', data: 'AAAA' },
        ],
      },
      error: null,
    };
    expect(toToolItem(item, 'm')).toMatchObject({
      call: { name: 'search_issues', server: 'github', input: { q: 'x' } },
      result: {
        isError: false,
        content: [
          { type: 'text', text: '3 results' },
          { type: 'image', mediaType: 'image/jpeg', data: 'AAAA' },
        ],
      },
    });
  });

  it('gives back the error of an MCP tool, and its structured content when there is no other', () => {
    expect(toToolItem({ type: 'mcpToolCall', error: { message: 'no such tool' } }, 'm')?.result).toMatchObject({
      isError: true,
      content: [{ type: 'text', text: 'no such tool' }],
    });
    expect(
      toToolItem({ type: 'mcpToolCall', result: { content: [], structuredContent: { a: 1 } } }, 'm')?.result.content,
    ).toEqual([{ type: 'text', text: '{"a":1}' }]);
  });

  it.each([
    ['a status', { status: 'failed', exitCode: null }],
    ['a refusal', { status: 'declined' }],
    ['an exit code', { status: 'completed', exitCode: 3 }],
  ])('sees by %s that a command failed', (_, fields) => {
    expect(toToolItem({ type: 'commandExecution', command: 'x', ...fields }, 'c')?.result.isError).toBe(true);
  });

  it('shows what was updated and deleted as diffs', () => {
    const changes = [
      { path: '/w/a', kind: { type: 'update', move_path: '/w/b' }, diff: '@@ -1 +1 @@\n-a\n+b\n' },
      { path: '/w/c', kind: { type: 'delete' }, diff: 'one\ntwo\n' },
    ];
    const text = '--- /w/a\n+++ /w/b\n@@ -1 +1 @@\n-a\n+b\n\n--- /w/c\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-one\n-two\n';
    expect(toToolItem({ type: 'fileChange', changes }, 'f')?.result.content).toEqual([{ type: 'text', text }]);
  });

  it('emits a web search when its query is known', () => {
    const search = { type: 'webSearch', query: 'centaur', action: { type: 'openPage', url: 'https://a.example' } };
    expect(toToolItem(search, 'w')).toMatchObject({
      knownAtStart: false,
      call: { name: 'web_search', input: { query: 'centaur', action: { type: 'openPage' } } },
      result: { content: [{ type: 'text', text: 'Opened https://a.example' }] },
    });
  });

  it('gives back the image of a dynamic tool, and the address of one that is elsewhere', () => {
    const images = ['data:image/png;base64,AAAA', 'https://a.example/x.png'];
    const contentItems = images.map((imageUrl) => ({ type: 'inputImage', imageUrl }));
    expect(toToolItem({ type: 'dynamicToolCall', tool: 't', contentItems }, 'd')?.result.content).toEqual([
      { type: 'image', mediaType: 'image/png', data: 'AAAA' },
      { type: 'text', text: 'https://a.example/x.png' },
    ]);
  });

  it('writes a plan as its steps', () => {
    const plan = [
      { step: 'Read', status: 'completed' },
      { step: 'Write', status: 'inProgress' },
      { step: 'Test', status: 'pending' },
    ];
    expect(planEvents({ plan, explanation: null }, 'p')).toEqual([
      { type: 'tool-call', id: 'p', name: 'update_plan', server: 'agent', input: { plan } },
      {
        type: 'tool-result',
        id: 'p',
        content: [{ type: 'text', text: '[x] Read\n[>] Write\n[ ] Test' }],
        isError: false,
      },
    ]);
  });

  it('passes over what is no tool', () => {
    expect(toToolItem({ type: 'userMessage' }, 'u')).toBeUndefined();
    expect(toToolItem({ type: 'sleep' }, 's')).toBeUndefined();
  });
});
