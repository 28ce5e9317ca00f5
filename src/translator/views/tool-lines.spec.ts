import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../domain/harness-event.js';
import { renderCall, renderResult } from './tool-lines.js';

const callOf = (command: string, name = 'Bash', input: JsonObject = { command }): string =>
  renderCall({ type: 'mcp_tool_use', id: 'mcptoolu_1', name, server_name: 'agent', input });

const resultOf = (output: string, isError = false, limit = 16_384): string =>
  renderResult(
    {
      type: 'mcp_tool_result',
      tool_use_id: 'mcptoolu_1',
      is_error: isError,
      content: output === '' ? [] : [{ type: 'text', text: output, citations: null }],
    },
    limit,
  );

/** A result as a code block has it. */
const inBlock = (...lines: readonly string[]): string => ['```text', ...lines, '```'].join('\n');

describe('a call as a line', () => {
  it.each([
    ['ls -la', 'Bash(ls -la)'],
    ['[ -f a[1] ] && ls', 'Bash([ -f a[1] ] && ls)'],
    ['make 2>&1 | grep "x" && echo $HOME #1', 'Bash(make 2>&1 | grep "x" && echo $HOME #1)'],
    ['cat my_file_of_me.ts', 'Bash(cat my_file_of_me.ts)'],
  ])('is the command as it is: %s', (command, line) => {
    expect(callOf(command)).toBe(line);
  });

  it.each([
    ['cat *.md', String.raw`Bash(cat \*.md)`],
    ['cat __init__.py', String.raw`Bash(cat \_\_init\_\_.py)`],
    ['echo `date` [a](b)', 'Bash(echo \\`date\\` [a\\](b))'],
    [String.raw`grep '\d'`, String.raw`Bash(grep '\\d')`],
    ['cat <<EOF <b>x</b>', String.raw`Bash(cat \<\<EOF \<b>x\</b>)`],
    ['curl www.x.de', String.raw`Bash(curl www\.x.de)`],
    ['echo &amp; ~~x~~', String.raw`Bash(echo \&amp; \~\~x\~\~)`],
  ])('is no Markdown: %s', (command, line) => {
    expect(callOf(command)).toBe(line);
  });

  it('does not escape links', () => {
    expect(callOf('curl https://a.b/_c_?d=*e* -o *')).toBe(String.raw`Bash(curl https://a.b/_c_?d=*e* -o \*)`);
  });

  it.each([
    ['cat > a.py <<X\nimport os\n# head\nX', String.raw`Bash(cat > a.py \<\<X … +3 lines)`],
    ['\n\necho 1\necho 2\n', 'Bash(echo 1 … +1 line)'],
    ['echo \u001B[31mred\u0007', 'Bash(echo red)'],
    ['echo "</system-reminder>"', 'Bash(echo "‹/system-reminder>")'],
    ['x'.repeat(300), `Bash(${'x'.repeat(200)}… [100 more characters])`],
    [`a${'🌍'.repeat(100)}`, `Bash(a${'🌍'.repeat(99)}… [1 more characters])`],
    ['x'.repeat(100_000), `Bash(${'x'.repeat(200)}… [99800 more characters])`],
  ])('is one line, however many a command has', (command, line) => {
    expect(callOf(command)).toBe(line);
  });

  it('keeps a tool name on one line', () => {
    expect(callOf('', '*odd*\nname', {})).toBe(String.raw`\*odd\* … +1 line()`);
  });
});

describe('a result below its call', () => {
  it.each([
    ['', '(no output)'],
    ['\u001B[0m\n', '(no output)'],
    ['a.txt\n', 'a.txt'],
    ['\n\n  deep\n', '  deep'],
  ])('is one line: %j', (output, line) => {
    expect(resultOf(output)).toBe(inBlock(`⎿  ${line}`));
  });

  it('indents the lines after the first', () => {
    expect(resultOf('one\n\n  two\n')).toBe(inBlock('⎿  one', '', '     two'));
  });

  it.each([
    [5, ['⎿  1', '   2', '   3', '   4', '   5']],
    [6, ['⎿  1', '   2', '   3', '   4', '   … +2 lines']],
    [30, ['⎿  1', '   2', '   3', '   4', '   … +26 lines']],
  ])('is folded when it is long: %i lines', (count, lines) => {
    const output = Array.from({ length: count }, (_, index) => `${index + 1}\n`).join('');
    expect(resultOf(output)).toBe(inBlock(...lines));
  });

  it('counts a million lines', () => {
    expect(resultOf('line\n'.repeat(1_000_000))).toBe(
      inBlock('⎿  line', '   line', '   line', '   line', '   … +999996 lines'),
    );
  });

  it('truncates long lines, and the output at the deployment’s limit', () => {
    expect(resultOf('x'.repeat(300))).toContain(`${'x'.repeat(200)}… [100 more characters]`);
    expect(resultOf('x'.repeat(100_000))).toContain('… [99800 more characters]');
    expect(resultOf('0123456789', false, 4)).toBe(inBlock('⎿  0123… [6 more characters]'));
    expect(resultOf('0123456789', false, 0)).toBe(inBlock('⎿  … [10 more characters]'));
  });

  it.each([
    ['Exit code 3\nboom', ['⎿  Error: Exit code 3', '   boom']],
    ['Error: no such file', ['⎿  Error: no such file']],
    ['<tool_use_error>File does not exist.</tool_use_error>', ['⎿  Error: File does not exist.']],
    ['', ['⎿  Error: (no output)']],
  ])('shows that it is an error: %j', (output, lines) => {
    expect(resultOf(output, true)).toBe(inBlock(...lines));
  });

  it('shows the report of a sub-agent', () => {
    const report = '[Subagent hand-back] The text below is a report. The report follows:\n  Two files.\n  - a.txt\n';
    const trailer = 'agentId: a1 (use SendMessage)\n<usage>subagent_tokens: 4</usage>';
    expect(resultOf(report + trailer)).toBe(inBlock('⎿  Two files.', '   - a.txt'));
  });

  it.each(['```', '```ts', '````', '``` '])('is not ended by a line %j', (line) => {
    const lines = resultOf(`a\n${line}\nb`).split('\n');
    // A fence is indented by three columns at most.
    expect(lines.slice(1, -1).filter((one) => /^ {0,3}`{3}/.test(one))).toEqual([]);
    expect(lines.at(-1)).toBe('```');
  });

  it('has nothing that a terminal or Claude Code would interpret', () => {
    expect(resultOf('\u001B[2Jcleared\n<context>kept</context>\n</system-reminder>')).toBe(
      inBlock('⎿  cleared', '   ‹context>kept‹/context>', '   ‹/system-reminder>'),
    );
  });
});
