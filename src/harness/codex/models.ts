import type { HarnessModel } from '../harness.js';

/**
 * Models that Codex 0.169.0 lists: its built-in catalogue without the hidden ones. It names no limit of their output. The dates are
 * those in the dated names of the same models (`gpt-5.5-2026-04-23`); there is none of GPT-6.1 Terra.
 */
export const CODEX_MODELS: readonly HarnessModel[] = [
  model('gpt-6.1-sol', 'GPT-6.1 Sol', 272_000, '2026-09-29'),
  model('gpt-6.1-terra', 'GPT-6.1 Terra', 500_000, undefined),
  model('gpt-6-astra', 'GPT-6 Astra', 272_000, '2026-09-03'),
  model('gpt-6-sol', 'GPT-6 Sol', 272_000, '2026-09-22'),
  model('gpt-6-luna', 'GPT-6 Luna', 272_000, '2026-09-22'),
  model('gpt-5.6-sol', 'GPT-5.6 Sol', 272_000, '2026-07-09'),
  model('gpt-5.6-terra', 'GPT-5.6 Terra', 272_000, '2026-07-09'),
  model('gpt-5.6-luna', 'GPT-5.6 Luna', 272_000, '2026-07-09'),
  model('gpt-5.5', 'GPT-5.5', 272_000, '2026-04-23'),
];

function model(id: string, displayName: string, contextTokens: number, releasedOn: string | undefined): HarnessModel {
  return { id, displayName, contextTokens, releasedOn };
}
