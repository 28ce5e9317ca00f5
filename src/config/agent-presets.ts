import type { AgentSettings } from './agent-settings.js';

/** What is known of an agent before a deployment says anything: all but its name and its models. */
export type AgentPreset = Omit<AgentSettings, 'name' | 'models'>;

const OPENAI = {
  api: 'openai',
  urlVariable: 'OPENAI_BASE_URL',
  keyVariable: 'OPENAI_API_KEY',
  defaultUrl: 'https://api.openai.com/v1',
} as const;

/**
 * The agents that need no more than their name in `CHIRON_AGENTS_FILE`, by that name. Seen with opencode 1.18.33, GitHub Copilot CLI 1.0.102, Qwen
 * Code 0.24.4, Kimi Code 2.1.0 and Gemini CLI 0.61.0.
 */
export const AGENT_PRESETS: Readonly<Record<string, AgentPreset>> = {
  opencode: {
    displayName: 'opencode',
    command: 'opencode',
    args: ['acp'],
    // It asks before it leaves the workspace, or repeats itself (read); `external_directory` of a child session has no one to answer (#37902).
    env: {
      OPENCODE_DISABLE_AUTOUPDATE: '1',
      OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
      OPENCODE_DISABLE_SHARE: '1',
      OPENCODE_PERMISSION: '{"*":"allow"}',
    },
    // `opencode.json` of the home template may name others, by `{env:NAME}`.
    passedVariables: ['OPENAI_API_KEY', 'OPENAI_BASE_URL'],
    instructionsFile: '.config/opencode/AGENTS.md',
    settingsFiles: ['opencode.json', 'opencode.jsonc', 'config.json'].map((name) => `.config/opencode/${name}`),
    modelChoice: { by: 'config-option', option: 'model' },
    allowMode: undefined,
    usesMcp: true,
    dialect: 'opencode',
    provider: OPENAI,
  },
  copilot: {
    displayName: 'GitHub Copilot CLI',
    command: 'copilot',
    args: ['--acp'],
    env: { COPILOT_AUTO_UPDATE: 'false' },
    passedVariables: [
      ...['COPILOT_PROVIDER_BASE_URL', 'COPILOT_PROVIDER_API_KEY', 'COPILOT_PROVIDER_TYPE'],
      ...['COPILOT_MODEL', 'COPILOT_OFFLINE', 'COPILOT_GITHUB_TOKEN'],
    ],
    instructionsFile: '.copilot/copilot-instructions.md',
    settingsFiles: ['.copilot/config.json', '.copilot/mcp-config.json'],
    modelChoice: { by: 'variable', variable: 'COPILOT_MODEL' },
    allowMode: { by: 'config-option', option: 'allow_all', value: 'on' },
    usesMcp: true,
    dialect: 'copilot',
    provider: {
      api: 'openai',
      urlVariable: 'COPILOT_PROVIDER_BASE_URL',
      keyVariable: 'COPILOT_PROVIDER_API_KEY',
      defaultUrl: undefined,
    },
  },
  qwen: {
    displayName: 'Qwen Code',
    command: 'qwen',
    args: ['--acp'],
    // With it, `session/new` is answered once the MCP servers are connected or were given up, which takes 5 s at most; without it before that, so that
    // the tools of a caller could be missing in the first turn (0.24.4, seen).
    env: {
      QWEN_TELEMETRY_ENABLED: 'false',
      QWEN_USAGE_STATISTICS_ENABLED: 'false',
      QWEN_CODE_LEGACY_MCP_BLOCKING: '1',
    },
    passedVariables: ['OPENAI_API_KEY', 'OPENAI_BASE_URL', 'OPENAI_MODEL'],
    instructionsFile: '.qwen/QWEN.md',
    settingsFiles: ['.qwen/settings.json'],
    modelChoice: { by: 'config-option', option: 'model' },
    allowMode: { by: 'mode', mode: 'yolo' },
    usesMcp: true,
    dialect: 'qwen',
    provider: OPENAI,
  },
  kimi: {
    displayName: 'Kimi Code',
    command: 'kimi',
    args: ['acp'],
    env: { KIMI_CODE_NO_AUTO_UPDATE: '1', KIMI_DISABLE_TELEMETRY: '1' },
    passedVariables: ['KIMI_MODEL_BASE_URL', 'KIMI_MODEL_API_KEY', 'KIMI_MODEL_NAME', 'KIMI_MODEL_PROVIDER_TYPE'],
    instructionsFile: '.kimi-code/AGENTS.md',
    settingsFiles: ['.kimi-code/config.toml', '.kimi-code/mcp.json'],
    modelChoice: { by: 'config-option', option: 'model' },
    allowMode: { by: 'mode', mode: 'yolo' },
    usesMcp: true,
    dialect: 'kimi',
    provider: {
      api: 'openai',
      urlVariable: 'KIMI_MODEL_BASE_URL',
      keyVariable: 'KIMI_MODEL_API_KEY',
      defaultUrl: undefined,
    },
  },
  gemini: {
    displayName: 'Gemini CLI',
    command: 'gemini',
    args: ['--acp'],
    env: { GEMINI_TELEMETRY_ENABLED: 'false' },
    passedVariables: ['GEMINI_API_KEY', 'GOOGLE_GEMINI_BASE_URL', 'GEMINI_MODEL'],
    instructionsFile: '.gemini/GEMINI.md',
    settingsFiles: ['.gemini/settings.json', '.gemini/trustedFolders.json'],
    modelChoice: { by: 'set-model' },
    allowMode: { by: 'mode', mode: 'yolo' },
    // 0.61.0 connects to none in a workspace that it does not trust (seen). In one that it trusts, it also takes settings, hooks and MCP servers from
    // the workspace's own `.gemini`, which anybody may have put there.
    usesMcp: false,
    dialect: 'gemini',
    provider: {
      api: 'gemini',
      urlVariable: 'GOOGLE_GEMINI_BASE_URL',
      keyVariable: 'GEMINI_API_KEY',
      defaultUrl: 'https://generativelanguage.googleapis.com',
    },
  },
};
