import type { HarnessDefinition } from '../definition.js';
import { openaiProvider } from './provider.js';
import { CodexHarness } from './codex.harness.js';

/** Codex. */
export const codex: HarnessDefinition = {
  name: 'codex',
  displayName: 'Codex',
  sessionType: 'codex',
  program: {
    variable: 'CHIRON_CODEX_BIN',
    fallback: 'codex',
    doc: 'Codex: a path, or a name in `CHIRON_AGENTS_DIR` or on `PATH`.',
  },
  npmPackage: { name: '@openai/codex', version: '0.169.0', hasInstallScript: false },
  home: { CODEX_HOME: '.codex' },
  // The name that centaur gives it, whichever agent runs.
  modelVariable: 'CLAUDE_MODEL',
  // A configuration may name a provider of its own.
  login: { variables: ['OPENAI_API_KEY'], files: ['.codex/auth.json', '.codex/config.toml'] },
  notInSnapshots: [
    // Codex 0.169.0 keeps absolute paths of its records there, and makes it anew from the records.
    ...['state', 'logs', 'goals', 'memories', 'queue', 'thread_history'].map((name) => `home/.codex/${name}_*.sqlite*`),
    // Of its installation, and of running processes.
    ...['skills/.system', '.tmp', 'tmp', 'log', 'thread-writer-locks', 'shell_snapshots', 'installation_id'].map(
      (name) => `home/.codex/${name}`,
    ),
    'home/.codex/auth.json',
  ],
  provider: openaiProvider,
  create: ({ sandbox, command }) => new CodexHarness(sandbox, command),
};
