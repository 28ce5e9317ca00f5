import { describe, expect, it } from 'vitest';
import { decodeRecording, recording } from '../__fixtures__/recordings.js';

const noticesOf = (lines: Parameters<typeof decodeRecording>[0]): readonly string[] =>
  decodeRecording(lines).flatMap((event) => (event.type === 'notice' ? [`${event.kind}: ${event.message}`] : []));

const tool = (seconds: number, more: object = {}) => ({
  type: 'tool_progress',
  tool_use_id: `t1-heartbeat-${seconds}`,
  tool_name: 'Bash',
  parent_tool_use_id: 't1',
  elapsed_time_seconds: seconds,
  ...more,
});

describe('progress', () => {
  it('of a long command names the command, not a sub-agent', () => {
    expect(noticesOf(recording('claude-tool-progress'))).toEqual(['progress: Bash has been running for 30 s']);
  });

  it('is emitted at most every ten seconds per tool', () => {
    const lines = [
      ...[1, 2, 9, 10, 11, 19, 20].map((seconds) => tool(seconds)),
      tool(12, { parent_tool_use_id: 't2' }),
    ];
    expect(noticesOf(lines).map((line) => /\d+/.exec(line)?.[0])).toEqual(['10', '20', '12']);
  });

  it('names the tool of an MCP server by its own name', () => {
    expect(noticesOf([tool(30, { tool_name: 'mcp__github__search' })])).toEqual([
      'progress: search has been running for 30 s',
    ]);
  });

  it('of a sub-agent that retries its model call is a retry notice', () => {
    const line = tool(0, { tool_name: 'Agent', subagent_retry: { agent_id: 'a', attempt: 2, max_retries: 10 } });
    expect(noticesOf([line])).toEqual(['retrying: The model call of a sub-agent failed; retrying (retry 2).']);
  });

  const inner = (second: number, more: object = {}) => ({
    type: 'assistant',
    parent_tool_use_id: 't1',
    timestamp: `2026-11-23T02:00:${second}.000Z`,
    task_description: 'count files',
    message: { content: [] },
    ...more,
  });

  it('of a sub-agent is emitted at once, and then at most every ten seconds', () => {
    const lines = [inner(10), inner(11), inner(19), inner(20), inner(21, { parent_tool_use_id: 't2' })];
    expect(noticesOf(lines)).toHaveLength(3);
    expect(noticesOf(lines)[0]).toBe('progress: A sub-agent is working: count files');
  });

  it('truncates the agent’s description', () => {
    const task_description = `${'x'.repeat(500)}\nsecond line`;
    expect(noticesOf([inner(10, { task_description })])[0]?.length).toBeLessThan(120);
    const task = {
      type: 'system',
      subtype: 'task_progress',
      task_id: 'b',
      description: 'Reads\neverything',
      usage: {},
    };
    expect(noticesOf([task, task])).toEqual(['progress: A background task is working: Reads']);
  });
});
