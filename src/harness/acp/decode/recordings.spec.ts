import { describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../../domain/harness-event.js';
import { decodeRecording, decodeTurns, listRecordings } from '../__fixtures__/recordings.js';
import { findFaults, toStory, toUsage } from '../__fixtures__/story.js';

const RECORDINGS = listRecordings();
const ofScene = (scene: RegExp): readonly string[] => RECORDINGS.filter((name) => scene.test(name.split('/')[1] ?? ''));

const turnOf = (recording: string, turn = 0): readonly HarnessEvent[] => decodeRecording(recording)[turn] ?? [];

describe('Every recording', () => {
  it.each(RECORDINGS)('%s keeps to the grammar of events', (recording) => {
    const turns = decodeTurns(recording);
    expect(turns.flatMap(({ events, isAnswered }) => findFaults(events, isAnswered))).toEqual([]);
  });

  it('is of an agent that was asked something, or could not open a session', () => {
    expect(RECORDINGS.length).toBe(146);
    expect(RECORDINGS.filter((recording) => decodeRecording(recording).length === 0)).toEqual([
      'gemini/kill9-first-turn-2',
      'gemini/kill9-load',
      'gemini/load-after-clean-exit-2',
    ]);
  });
});

describe('A text', () => {
  it.each(ofScene(/^text$/))('of %s is told in full, and ends the turn', (recording) => {
    expect(toStory(turnOf(recording))).toEqual(['PONG', 'end: end_turn']);
  });

  it('arrives with characters outside of the basic plane', () => {
    expect(toStory(turnOf('opencode/out-unicode'))[0]).toBe('Grüße 👩‍🚀 日本語 ');
  });

  it.each(ofScene(/^two-turns$/))('of %s is followed by the next turn', (recording) => {
    const second = recording.startsWith('gemini') ? '(**Thinking**\nHmm, thinking.)' : '(Hmm, thinking.)';
    expect(decodeRecording(recording).map(toStory)).toEqual([
      ['PONG', 'end: end_turn'],
      [second, 'Thought about it.', 'end: end_turn'],
    ]);
  });
});

const COMMAND = 'echo hello from the sandbox; ls';

/** What each agent tells of the same command. */
const TOOLS: Readonly<Record<string, readonly [call: string, result: string]>> = {
  opencode: [`agent bash {"command":"${COMMAND}","cwd":"/workspace"}`, 'hello from the sandbox'],
  gemini: [`agent run_shell_command {"title":"${COMMAND}"}`, ''],
  qwen: [
    `agent run_shell_command {"command":"${COMMAND}","description":"Say hello","is_background":false}`,
    'hello from the sandbox',
  ],
  copilot: [
    `agent execute {"command":"${COMMAND}","description":"Say hello","initial_wait":10}`,
    'hello from the sandbox\n<shellId: 0 completed with exit code 0>',
  ],
  kimi: [`agent Bash {"command":"${COMMAND}","description":"Say hello"}`, 'hello from the sandbox'],
  claude: [`agent Bash {"command":"${COMMAND}","description":"Say hello"}`, 'hello from the sandbox'],
  codex: ['agent exec_command {"title":"List files"}', 'hello from the sandbox'],
  pi: [`agent bash {"command":"${COMMAND}"}`, 'hello from the sandbox'],
};

describe('A tool', () => {
  it.each(ofScene(/^(tool|yolo)$/))('of %s is told with what the agent says of it', (recording) => {
    const [call, result] = TOOLS[recording.split('/')[0] ?? ''] ?? [];
    expect(toStory(turnOf(recording))).toEqual([
      recording.startsWith('gemini')
        ? '(**Thinking**\nThe user wants a shell command.)'
        : '(The user wants a shell command.)',
      'Let me run it.',
      call,
      `result: ${result}`,
      'It printed "hello from the sandbox".',
      'end: end_turn',
    ]);
  });

  it.each([
    ['opencode', ['result: one', 'failed: two']],
    ['qwen', ['result: one', 'failed: two']],
    ['claude', ['result: one', 'failed: Exit code 3\ntwo']],
    ['codex', ['failed: two', 'result: one']],
    [
      'copilot',
      ['result: one\n<shellId: 1 completed with exit code 0>', 'failed: two\n<shellId: 0 completed with exit code 3>'],
    ],
    // It says nothing of how a command ended.
    ['gemini', ['result:', 'result:']],
  ])('of %s that fails beside another is told as failed, if the agent tells it', (agent, results) => {
    const story = toStory(turnOf(`${agent}/parallel`));
    expect(story.filter((line) => /^(result|failed):/.test(line)).map((line) => line.trimEnd())).toEqual(results);
    expect(story.at(-2)).toBe('One worked, one failed.');
  });

  it.each(['claude', 'copilot', 'gemini', 'kimi', 'opencode'])('of an MCP server of %s has its server', (agent) => {
    expect(toStory(turnOf(`${agent}/mcp-http`))).toEqual([
      'caller get_weather {"city":"Paris"}',
      'result: sunny in Paris',
      'Sunny.',
      'end: end_turn',
    ]);
  });

  it('that takes long is noticed, at most every ten seconds', () => {
    expect(toStory(turnOf('claude/mcp-slow')).slice(1, 3)).toEqual([
      '[progress] get_weather has been running for 30 s',
      '[progress] get_weather has been running for 60 s',
    ]);
  });

  it.each(ofScene(/^cancel-(tool|permission)$/))('of %s that was cut has a result all the same', (recording) => {
    const story = toStory(turnOf(recording));
    expect(story.at(-2)).toMatch(/^(result|failed): ./s);
    expect(story.at(-1)).toBe('end: interrupted');
  });
});

describe('A turn', () => {
  it.each(ofScene(/^cancel-text$/))(
    'of %s that was cancelled keeps what it said, and the next one is whole',
    (recording) => {
      const [first = [], second = []] = decodeRecording(recording).map(toStory);
      expect(first[0]).toMatch(/^word0 word1 word2 /);
      expect(first.slice(1)).toEqual(['end: interrupted']);
      expect(second).toEqual(['PONG', 'end: end_turn']);
    },
  );

  const retried = '[retrying] Request failed due to a transient API error. Retrying...';
  const silent = 'internal: The agent ended its turn without an answer. Its model may have refused the request.';

  it.each([
    ['opencode/error-bad_request', ['bad_request: scripted error 400']],
    ['gemini/error-bad_request', ['bad_request: scripted error 400']],
    ['qwen/error-bad_request', ['bad_request: 400 scripted error 400']],
    ['claude/error-bad_request', ['API Error: 400 scripted error 400', 'bad_request: 400 scripted error 400']],
    ['codex/error-bad_request', ['bad_request: scripted error 400']],
    ['copilot/error-bad_request', ['bad_request: 400 scripted error 400']],
    ['kimi/error-bad_request', [silent]],
    ['pi/error-bad_request', [silent]],
    ['gemini/error-unauth', ['authentication: scripted error 401']],
    ['codex/error-unauth', ['authentication: Authentication required']],
    ['kimi/error-unauth', ['authentication: Authentication required: 401 scripted error 401']],
    ['pi/error-unauth', [silent]],
    [
      'copilot/error-unauth',
      [
        retried,
        retried,
        expect.stringMatching(/^authentication: Authentication failed with provider at … \(HTTP 401\)/),
      ],
    ],
    [
      'copilot/error-overloaded',
      [retried, retried, retried, retried, retried, expect.stringMatching(/^overloaded: Failed to get response/)],
    ],
    ['codex/error-ratelimit', ['rate_limit: exceeded retry limit, last status: 429 Too Many Requests']],
    ['codex/error-overloaded', [1, 2, 3, 4, 5].map((count) => `[retrying] Reconnecting... ${count}/5`)],
  ])('fails as its model call has failed: %s', (recording, story) => {
    expect(toStory(turnOf(recording))).toEqual(story);
  });

  it.each([
    ['claude', 'refusal'],
    ['kimi', 'refusal'],
    ['opencode', 'refusal'],
  ])('of %s that its model refuses ends as %s', (agent, reason) => {
    const story = toStory(turnOf(`${agent}/error-refusal`));
    expect(story).toContain('I cannot');
    expect(story.at(-1)).toBe(`end: ${reason}`);
  });

  it.each(ofScene(/^error-max_tokens$/))('of %s whose answer was cut ends as the agent says', (recording) => {
    const story = toStory(turnOf(recording));
    expect(story[0]).toMatch(/^(This answer is cut)+$/);
    expect(story.at(-1)).toBe(recording.startsWith('claude') ? 'end: max_tokens' : 'end: end_turn');
  });

  it('of an unknown session fails', () => {
    expect(ofScene(/^misc$/).map((recording) => turnOf(recording)[0]?.type)).toEqual(
      ofScene(/^misc$/).map(() => 'turn-failed'),
    );
  });
});

describe('What a turn has used', () => {
  // The scripted model: 400 + 500 of input, of which 300 + 300 are cached, and 25 + 25 of output, of which 5 + 5 are thinking.
  it.each([
    ['codex', ['gpt-5.5 300 50 600 0 10']],
    ['copilot', ['model 300 50 600 0 10']],
    // Its last call alone.
    ['opencode', ['model 200 25 300 0 5']],
    ['qwen', ['model 100 25 300 0 5', 'model 200 25 300 0 5']],
    // It knows of no cache.
    ['gemini', ['gemini-3.8-flash 400 20 0 0 0', 'auto 500 20 0 0 0']],
    ['claude', ['claude-opus-5-5 250 24 300 40 0']],
    ['kimi', []],
    ['pi', []],
  ])('is what %s tells of it, in our counts', (agent, usage) => {
    expect(toUsage(turnOf(`${agent}/tool`))).toEqual(usage);
  });

  it('is the growth of a running total', () => {
    expect(decodeRecording('copilot/two-turns').map(toUsage)).toEqual([
      ['model 100 25 300 0 5'],
      ['model 100 25 300 0 5'],
    ]);
  });

  it('is not told of a turn whose counts are zero', () => {
    expect(['opencode', 'claude', 'codex', 'copilot'].map((agent) => toUsage(turnOf(`${agent}/cancel-text`)))).toEqual([
      [],
      [],
      [],
      [],
    ]);
  });

  it('begins with a call that has no output yet', () => {
    const starts = turnOf('codex/tool').filter(({ type }) => type === 'model-call-start');
    expect(starts).toMatchObject([
      { model: 'gpt-5.5', usage: { inputTokens: 300, outputTokens: 0, thinkingTokens: 0 } },
    ]);
  });
});
