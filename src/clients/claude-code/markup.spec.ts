import { describe, expect, it } from 'vitest';
import { recorded, RECORDINGS } from './__fixtures__/recorded.js';
import { planModeNote, stripClaudeCodeMarkup } from './markup.js';
import { extractPrompt } from '../../messages/request/prompt-extraction.js';

const text = (value: string) => ({ type: 'text', text: value });
const newest = (name: string) => extractPrompt(recorded(name).body.messages, 'claude-code');
/** What of a prompt can be shown on a line: its texts, and the kinds of its other blocks. */
const shown = (name: string) => newest(name).prompt.map((block) => (block.type === 'text' ? block.text : block.type));

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
  ])('is what its user said, and nothing of what the caller’s machine said: %s', (name, said) => {
    expect(shown(name)).toEqual(said);
  });

  it.each([
    ['main-own-slash-command', 'Please greet Alice kindly, in one word.\n'],
    ['print-own-slash-command', 'Say hi to Bob\n'],
    ['main-init', expect.stringMatching(/^Please analyze this codebase and create a CLAUDE\.md file/)],
  ])('is the text of a slash command, not its name: %s', (name, said) => {
    expect(shown(name)).toEqual([said]);
  });

  it('is what its user mentioned, too', () => {
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

  it('does not reach back for anything else', () => {
    const mention = '<system-reminder>\nCalled the Read tool with the following input: {}\n</system-reminder>';
    for (const before of [
      { role: 'user', content: 'unanswered' },
      { role: 'system', content: mention },
      { role: 'assistant', content: mention },
    ]) {
      expect(extractPrompt([before, { role: 'user', content: 'now' }], 'claude-code').prompt).toEqual([text('now')]);
    }
  });

  it('is a command in bash mode with what it printed: its user shows it to the agent', () => {
    expect(shown('main-after-model-bash-mode')).toEqual([
      '<bash-input>ls -la</bash-input>\n',
      expect.stringMatching(/^<bash-stdout>total 8\n/),
    ]);
  });

  it('is all of a message that only has what Claude Code itself says', () => {
    expect(shown('main-background-task-ended')).toEqual([
      expect.stringContaining('This is an automated background-task'),
    ]);
  });
});

describe(stripClaudeCodeMarkup.name, () => {
  it('leaves alone what a user writes about it', () => {
    const content = [
      text('what is <command-name>/model</command-name> for?'),
      text('[Request interrupted by user] why?'),
    ];
    expect(stripClaudeCodeMarkup(content)).toEqual(content);
    expect(stripClaudeCodeMarkup('say <local-command-stdout>x</local-command-stdout>')).toBe(
      'say <local-command-stdout>x</local-command-stdout>',
    );
  });

  it('takes a text under the heading of /context for the user’s, unless the command stands before it', () => {
    const output = text('## Context Usage\n\n**Model:** m');
    const command = text('<command-name>/context</command-name>\n  <command-args></command-args>\n');
    expect(stripClaudeCodeMarkup([text('look:'), output])).toEqual([text('look:'), output]);
    expect(stripClaudeCodeMarkup([command, output, text('now')])).toEqual([text('now')]);
  });

  it('does not look for an end in megabytes', () => {
    const pasted = text(`<local-command-stdout>${'x'.repeat(200_000)}</local-command-stdout>`);
    expect(stripClaudeCodeMarkup([pasted])).toEqual([pasted]);
  });
});

describe(planModeNote.name, () => {
  it.each(['main-plan-mode', 'print-plan-mode'])('tells that the user wants a plan only: %s', (name) => {
    expect(planModeNote(newest(name).context)).toMatch(/change nothing, and answer with a plan/);
  });

  it('tells when that is over', () => {
    expect(planModeNote(newest('main-after-plan-mode').context)).toMatch(/left plan mode/);
    const both = ['Plan mode is active. The user indicated that …', '## Exited Plan Mode\n\nYou have exited'];
    expect(planModeNote(both)).toMatch(/left plan mode/);
    expect(planModeNote(both.toReversed())).toMatch(/change nothing/);
  });

  it('finds it in the reminders of models that are sent no system messages', () => {
    const reminder = '<system-reminder>\nPlan mode is active. The user indicated that …\n</system-reminder>';
    const { prompt, context } = extractPrompt([{ role: 'user', content: [text(reminder), text('go')] }], 'claude-code');
    expect(prompt).toEqual([text('go')]);
    expect(planModeNote(context)).toMatch(/change nothing/);
  });

  it('is not led on by a file that the user mentioned', () => {
    const mention =
      '<system-reminder>\nResult of calling the Read tool:\nPlan mode is active. The user indicated\n</system-reminder>';
    const { context } = extractPrompt([{ role: 'user', content: [text(mention), text('go')] }], 'claude-code');
    expect(planModeNote(context)).toBeUndefined();
  });

  it.each(RECORDINGS.filter((name) => !recorded(name).isSideRequest && !name.includes('plan-mode')))(
    'is nothing in any other turn: %s',
    (name) => {
      expect(planModeNote(newest(name).context)).toBeUndefined();
    },
  );
});
