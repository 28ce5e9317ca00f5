import type { HarnessDefinition } from '../definition.js';
import { openaiProvider } from './provider.js';
import { CodexHarness } from './codex.harness.js';

/** Codex. */
export const codex: HarnessDefinition = {
  name: 'codex',
  displayName: 'Codex',
  sessionType: 'codex',
  program: { variable: 'CHIRON_CODEX_BIN', fallback: 'codex', doc: 'Codex: a path, or a name on `PATH`.' },
  home: { CODEX_HOME: '.codex' },
  // The name that centaur gives it, whichever agent runs.
  modelVariable: 'CLAUDE_MODEL',
  // A configuration may name a provider of its own.
  login: { variables: ['OPENAI_API_KEY'], files: ['.codex/auth.json', '.codex/config.toml'] },
  provider: openaiProvider,
  create: ({ sandbox, command }) => new CodexHarness(sandbox, command),
};
