import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../domain/harness-event.js';
import { describeCall } from './call-description.js';

const titleOf = (name: string, input: JsonObject, server = 'agent'): string => {
  const title = describeCall({ type: 'mcp_tool_use', id: 'mcptoolu_1', name, server_name: server, input });
  return `${title.name}(${title.argument})`;
};

const WORKSPACE = '/data/threads/2ab9afa6-c87e-456f-8328-38bd6ed78560/workspace';

describe('the title of a call', () => {
  it.each<[string, JsonObject, string]>([
    ['Bash', { command: 'ls -la', description: 'List' }, 'Bash(ls -la)'],
    ['Read', { file_path: '/etc/hosts', limit: 3 }, 'Read(/etc/hosts)'],
    ['Edit', { file_path: 'a.ts', old_string: 'x', new_string: 'y' }, 'Edit(a.ts)'],
    ['Write', { file_path: `${WORKSPACE}/src/a.ts`, content: 'x' }, 'Write(src/a.ts)'],
    ['NotebookEdit', { notebook_path: 'a.ipynb', new_source: 'x' }, 'NotebookEdit(a.ipynb)'],
    ['Grep', { pattern: 'TODO', path: 'src', output_mode: 'content' }, 'Grep(pattern: "TODO", path: "src")'],
    ['Glob', { pattern: '**/*.ts' }, 'Glob(pattern: "**/*.ts")'],
    ['Task', { description: 'Count', prompt: 'Count all files', subagent_type: 'Explore' }, 'Task(Count)'],
    ['Agent', { description: 'Count', prompt: 'Count all files' }, 'Agent(Count)'],
    ['WebFetch', { url: 'https://a.b', prompt: 'x' }, 'WebFetch(https://a.b)'],
    ['WebSearch', { query: 'herons' }, 'WebSearch(herons)'],
    ['TodoWrite', { todos: [{ content: 'One', status: 'pending' }, { content: 'Two' }] }, 'TodoWrite(One, Two)'],
    ['Skill', { skill: 'review' }, 'Skill(review)'],
  ])('of Claude Code’s %s is %j as %s', (name, input, title) => {
    expect(titleOf(name, input)).toBe(title);
  });

  it.each<[string, JsonObject, string]>([
    ['shell', { command: "/bin/bash -lc 'ls -la'", cwd: '/w' }, 'shell(ls -la)'],
    ['shell', { command: `/bin/zsh -lc "echo 'a' \\"b\\" \\$c"` }, `shell(echo 'a' "b" $c)`],
    ['shell', { command: `bash -c 'echo it'"'"'s'` }, `shell(echo it's)`],
    ['shell', { command: '/bin/bash -lc ls' }, 'shell(ls)'],
    ['shell', { command: 'echo bash -lc x' }, 'shell(echo bash -lc x)'],
    [
      'apply_patch',
      { changes: [{ path: `${WORKSPACE}/a.ts`, kind: 'add' }, { path: 'b.ts' }] },
      'apply_patch(a.ts, b.ts)',
    ],
    ['web_search', { query: 'herons', action: { type: 'search' } }, 'web_search(herons)'],
    ['update_plan', { plan: [{ step: 'One' }] }, 'update_plan()'],
    ['view_image', { path: 'a.png' }, 'view_image(a.png)'],
  ])('of Codex’s %s is %j as %s', (name, input, title) => {
    expect(titleOf(name, input)).toBe(title);
  });

  it('names the server of an MCP tool and has the complete input', () => {
    expect(titleOf('query', { sql: 'select 1', limit: 3 }, 'warehouse')).toBe(
      'warehouse - query (MCP)(sql: "select 1", limit: 3)',
    );
    expect(titleOf('now', {}, 'clock')).toBe('clock - now (MCP)()');
  });

  it.each<[string, JsonObject, string]>([
    ['Odd', { a: 'b', c: [1] }, 'Odd(a: "b", c: [1])'],
    ['List', {}, 'List()'],
    ['Odd', { deep: 1, url: 'https://x.y' }, 'Odd(https://x.y)'],
    ['Bash', { command: 3 }, 'Bash(command: 3)'],
    ['TodoWrite', { todos: 'none' }, 'TodoWrite(todos: "none")'],
    ['constructor', { a: 1 }, 'constructor(a: 1)'],
    ['__proto__', {}, '__proto__()'],
  ])('of another tool, or of another input, has what there is: %s %j', (name, input, title) => {
    expect(titleOf(name, input)).toBe(title);
  });
});
