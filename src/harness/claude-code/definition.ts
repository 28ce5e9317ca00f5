import type { HarnessDefinition } from '../definition.js';
import { anthropicProvider } from './provider.js';
import { ClaudeCodeHarness } from './claude-code.harness.js';

/** Claude Code. */
export const claudeCode: HarnessDefinition = {
  name: 'claude-code',
  displayName: 'Claude Code',
  sessionType: 'claudecode',
  program: { variable: 'CHIRON_CLAUDE_BIN', fallback: 'claude', doc: 'Claude Code: a path, or a name on `PATH`.' },
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
  provider: anthropicProvider,
  create: ({ sandbox, command }) => new ClaudeCodeHarness(sandbox, command),
};
