import type { HarnessModel } from '../harness.js';

/** Models of the model table inside of Claude Code 2.1.330, with its display names, context windows and upper output limits. */
export const CLAUDE_CODE_MODELS: readonly HarnessModel[] = [
  model('claude-opus-5-5', 'Claude Opus 5.5', 'opus', 1_000_000, 128_000),
  model('claude-sonnet-5-5', 'Claude Sonnet 5.5', 'sonnet', 1_000_000, 128_000),
  model('claude-haiku-5-5', 'Claude Haiku 5.5', 'haiku', 1_000_000, 128_000),
  model('claude-fable-5-2', 'Claude Fable 5.2', 'fable', 1_000_000, 128_000),
  model('claude-opus-5', 'Claude Opus 5', 'opus', 1_000_000, 128_000),
  model('claude-sonnet-5', 'Claude Sonnet 5', 'sonnet', 1_000_000, 128_000),
  model('claude-opus-4-8', 'Claude Opus 4.8', 'opus', 1_000_000, 128_000),
  model('claude-sonnet-4-6', 'Claude Sonnet 4.6', 'sonnet', 200_000, 128_000),
  model('claude-haiku-4-5', 'Claude Haiku 4.5', 'haiku', 200_000, 64_000),
];

function model(
  id: string,
  displayName: string,
  line: HarnessModel['line'],
  contextTokens: number,
  maxOutputTokens: number,
): HarnessModel {
  return { id, displayName, line, contextTokens, maxOutputTokens };
}
