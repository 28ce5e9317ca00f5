import type { HarnessModel } from '../harness.js';

/**
 * Models of the model table inside of Claude Code 2.1.330, with its display names, context windows and upper output limits. The dates
 * are those of the releases of `@anthropic-ai/sdk` that brought the names (its changelog), and of the announcement of Haiku 4.5.
 */
export const CLAUDE_CODE_MODELS: readonly HarnessModel[] = [
  model('claude-opus-5-5', 'Claude Opus 5.5', 'opus', 1_000_000, 128_000, '2026-09-22'),
  model('claude-sonnet-5-5', 'Claude Sonnet 5.5', 'sonnet', 1_000_000, 128_000, '2026-09-28'),
  model('claude-haiku-5-5', 'Claude Haiku 5.5', 'haiku', 1_000_000, 128_000, '2026-10-07'),
  model('claude-fable-5-2', 'Claude Fable 5.2', 'fable', 1_000_000, 128_000, '2026-11-09'),
  model('claude-opus-5', 'Claude Opus 5', 'opus', 1_000_000, 128_000, '2026-07-24'),
  model('claude-sonnet-5', 'Claude Sonnet 5', 'sonnet', 1_000_000, 128_000, '2026-06-30'),
  model('claude-opus-4-8', 'Claude Opus 4.8', 'opus', 1_000_000, 128_000, '2026-05-28'),
  model('claude-sonnet-4-6', 'Claude Sonnet 4.6', 'sonnet', 200_000, 128_000, '2026-02-17'),
  model('claude-haiku-4-5', 'Claude Haiku 4.5', 'haiku', 200_000, 64_000, '2025-10-15'),
];

function model(
  id: string,
  displayName: string,
  line: string,
  contextTokens: number,
  maxOutputTokens: number,
  releasedOn: string,
): HarnessModel {
  return { id, displayName, line, contextTokens, maxOutputTokens, releasedOn };
}
