import type { HarnessSettings } from '../config/settings.js';

/** The harnesses of this version, in the order in which `auto` prefers them. */
export const HARNESSES_OF_THIS_VERSION: readonly HarnessSettings[] = [
  {
    name: 'claude-code',
    program: { variable: 'CHIRON_CLAUDE_BIN', fallback: 'claude', doc: 'Claude Code: a path, or a name on `PATH`.' },
  },
  {
    name: 'codex',
    program: { variable: 'CHIRON_CODEX_BIN', fallback: 'codex', doc: 'Codex: a path, or a name on `PATH`.' },
  },
  { name: 'demo' },
];
