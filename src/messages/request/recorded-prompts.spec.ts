import { describe, expect, it } from 'vitest';
import { recorded } from '../../clients/claude-code/__fixtures__/recorded.js';
import { claudeCodeProfile } from '../../clients/claude-code/claude-code.js';
import { extractPrompt } from './prompt-extraction.js';

const text = (value: string) => ({ type: 'text', text: value });

/** What of a recorded prompt can be shown on a line: its texts, and the kinds of its other blocks. */
function shown(name: string): readonly string[] {
  const { prompt } = extractPrompt(recorded(name).body.messages, claudeCodeProfile);
  return prompt.map((block) => (block.type === 'text' ? block.text : block.type));
}

describe('the prompt of a recorded turn', () => {
  it.each([
    ['main-first', ['first prompt without hints']],
    ['main-queued-messages', ['queued one\n', 'queued two']],
    ['main-after-context-and-compact', ['third prompt after compaction']],
    ['main-after-usage', ['prompt after usage']],
    ['main-after-clear', ['prompt after clear']],
    ['main-after-branch', ['prompt in the branch']],
    ['main-after-escape', ['prompt after escape']],
    ['main-pasted-picture', ['what is on this? [Image #1]', 'image']],
    ['main-thread-continue', ['second prompt']],
    ['print-first', ['plain print prompt']],
    ['print-sonnet-4-5', ['prompt to sonnet 4.5']],
  ])('is the user’s text without anything about the caller’s machine: %s', (name, said) => {
    expect(shown(name)).toEqual(said);
  });

  it.each([
    ['main-own-slash-command', 'Please greet Alice kindly, in one word.\n'],
    ['print-own-slash-command', 'Say hi to Bob\n'],
    ['main-init', expect.stringMatching(/^Please analyze this codebase and create a CLAUDE\.md file/)],
  ])('is the text of a slash command, not its name: %s', (name, said) => {
    expect(shown(name)).toEqual([said]);
  });

  it('includes what its user mentioned', () => {
    expect(shown('main-file-mentions')).toEqual([
      expect.stringContaining('Called the Read tool with the following input: {"file_path":"/caller/work/a.txt"}'),
      expect.stringContaining('1\tcontent A'),
      expect.stringContaining('/caller/work/b.txt'),
      expect.stringContaining('1\tcontent B'),
      'compare @a.txt and @b.txt',
    ]);
    expect(shown('main-folder-and-picture-mentions')).toEqual([
      expect.stringContaining('ls /caller/work/sub'),
      expect.stringContaining('x\ny'),
      expect.stringContaining('pic.png'),
      'image',
      'what is in @sub/ and @pic.png',
    ]);
  });

  it('includes no other earlier messages', () => {
    const mention = '<system-reminder>\nCalled the Read tool with the following input: {}\n</system-reminder>';
    for (const before of [
      { role: 'user', content: 'unanswered' },
      { role: 'system', content: mention },
      { role: 'assistant', content: mention },
    ]) {
      expect(extractPrompt([before, { role: 'user', content: 'now' }], claudeCodeProfile).prompt).toEqual([
        text('now'),
      ]);
    }
  });

  it('is a command in bash mode with its output', () => {
    expect(shown('main-after-model-bash-mode')).toEqual([
      '<bash-input>ls -la</bash-input>\n',
      expect.stringMatching(/^<bash-stdout>total 8\n/),
    ]);
  });

  it('is the complete message if it has only additions of Claude Code', () => {
    expect(shown('main-background-task-ended')).toEqual([
      expect.stringContaining('This is an automated background-task'),
    ]);
  });
});
