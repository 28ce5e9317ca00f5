import type { HarnessDefinition } from '../definition.js';
import { anthropicProvider } from './provider.js';
import { ClaudeCodeHarness } from './claude-code.harness.js';

/** Claude Code. */
export const claudeCode: HarnessDefinition = {
  name: 'claude-code',
  displayName: 'Claude Code',
  sessionType: 'claudecode',
  program: {
    variable: 'CHIRON_CLAUDE_BIN',
    fallback: 'claude',
    doc: 'Claude Code: a path, or a name in `CHIRON_AGENTS_DIR` or on `PATH`.',
  },
  // Its script puts the program of the platform into place (2.1.330, `install.cjs`).
  npmPackage: { name: '@anthropic-ai/claude-code', version: '2.1.330', hasInstallScript: true },
  home: { CLAUDE_CONFIG_DIR: '.claude' },
  modelVariable: 'CLAUDE_MODEL',
  login: {
    variables: [
      'ANTHROPIC_API_KEY',
      'ANTHROPIC_AUTH_TOKEN',
      'CLAUDE_CODE_OAUTH_TOKEN',
      'CLAUDE_CODE_USE_BEDROCK',
      'CLAUDE_CODE_USE_VERTEX',
      'CLAUDE_CODE_USE_FOUNDRY',
    ],
    // Settings may name an `apiKeyHelper`, or variables.
    files: ['.claude/.credentials.json', '.claude/settings.json'],
  },
  notInSnapshots: [
    // Of running processes (Claude Code 2.1.330).
    ...['sessions', 'shell-snapshots', 'backups', '.last-cleanup', 'statsig'].map((name) => `home/.claude/${name}`),
    // Written for each process; may have credentials of MCP servers.
    'server/claude',
    'home/.claude/.credentials.json',
  ],
  provider: anthropicProvider,
  create: ({ sandbox, command }) => new ClaudeCodeHarness(sandbox, command),
};
