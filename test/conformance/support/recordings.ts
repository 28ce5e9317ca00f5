import { readFileSync } from 'node:fs';
import { decodeLine as decodeClaude } from '../../../src/harness/claude-code/decode/decode.js';
import {
  startTurn,
  initialDecoderState as startClaude,
  type ClaudeState,
} from '../../../src/harness/claude-code/decode/turn-state.js';
import {
  decodeNotification as decodeCodex,
  initialCodexState as startCodex,
  type CodexState,
} from '../../../src/harness/codex/decode/decode.js';
import type { HarnessEvent, JsonValue } from '../../../src/domain/harness-event.js';

/** Recordings of Claude Code that hold one turn. */
export const CLAUDE_RECORDINGS = [
  'claude-text',
  'claude-tool',
  'claude-parallel',
  'claude-subagent',
  'claude-mcp-tools',
  'claude-max-tokens',
  'claude-bad-request',
] as const;

/** Recordings of Codex that hold one turn. */
export const CODEX_RECORDINGS = [
  'codex-text',
  'codex-tool',
  'codex-parallel',
  'codex-patchshell',
  'codex-bad-request',
] as const;

/** The events of a recorded turn of Claude Code 2.1.330. */
export function claudeRecording(name: (typeof CLAUDE_RECORDINGS)[number]): readonly HarnessEvent[] {
  return claudeEvents(lines('claude-code', name));
}

/** The events of a recorded turn of Codex 0.169.0. */
export function codexRecording(name: (typeof CODEX_RECORDINGS)[number]): readonly HarnessEvent[] {
  let state: CodexState = startCodex();
  return lines('codex', name).flatMap((line) => {
    const decoded = decodeCodex(state, line);
    state = decoded.state;
    return decoded.events;
  });
}

/** The events of a turn of Claude Code whose only tool returns this content. */
export function claudeToolResult(content: JsonValue | undefined): readonly HarnessEvent[] {
  return claudeEvents(
    lines('claude-code', 'claude-tool').map((line) => {
      const entry = JSON.parse(line) as { readonly message?: { readonly content?: readonly object[] } };
      const [block] = entry.message?.content ?? [];
      if (block === undefined || !('tool_use_id' in block)) return line;
      return JSON.stringify({ ...entry, message: { ...entry.message, content: [{ ...block, content }] } });
    }),
  );
}

function claudeEvents(recorded: readonly string[]): readonly HarnessEvent[] {
  let state: ClaudeState = startTurn(startClaude());
  return recorded.flatMap((line) => {
    const [next, events] = decodeClaude(state, line);
    state = next;
    return events;
  });
}

function lines(harness: string, name: string): readonly string[] {
  const file = new URL(`../../../src/harness/${harness}/__fixtures__/${name}.jsonl`, import.meta.url);
  return readFileSync(file, 'utf8').split('\n').filter(Boolean);
}
