import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startScriptedChatModel } from '../../support/scripted-model/chat-completions.js';
import { startScriptedGeminiModel } from '../../support/scripted-model/gemini.js';
import type { ScriptedModel } from '../../support/scripted-model/scene.js';

const MODULES = fileURLToPath(new URL('../node_modules/', import.meta.url));

/** A real agent of `test/agents`, and how it is led to a scripted model. */
export interface RealAgent {
  /** The name of its harness, which is its preset's. */
  readonly name: AgentName;
  /** The program. */
  readonly command: string;
  startModel(): Promise<ScriptedModel>;
  /** The names of its two models behind `<name>/`. */
  readonly models: readonly [string, string];
  /** The server's variables for the model of this address. */
  variables(url: string): Readonly<Record<string, string>>;
  /** What its entry in the file needs for MCP servers; absent where its preset has it. */
  readonly mcpEntry?: object;
  /** The files of its home template, by their paths. */
  home(): Readonly<Record<string, object>>;
}

/** The agents that are tested, by their names in `CHIRON_AGENTS_FILE`. */
export const AGENT_NAMES = ['opencode', 'copilot', 'qwen', 'gemini', 'kimi'] as const;

/** See {@link AGENT_NAMES}. */
export type AgentName = (typeof AGENT_NAMES)[number];

/** The key of the deployment for the models of its agents. */
export const MODEL_KEY = 'a-key-of-the-deployment-6b1f';

const scriptedModel = (name: string) => ({
  name,
  attachment: true,
  reasoning: true,
  tool_call: true,
  modalities: { input: ['text', 'image'], output: ['text'] },
  limit: { context: 200_000, output: 8_000 },
});

/** How each agent is run. */
export const AGENTS: Readonly<Record<AgentName, RealAgent>> = {
  opencode: {
    name: 'opencode',
    command: `${MODULES}opencode-linux-x64-baseline/bin/opencode`,
    startModel: startScriptedChatModel,
    models: ['scripted/scripted-1', 'scripted/scripted-2'],
    variables: (url) => ({ OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: MODEL_KEY }),
    home: () => ({
      '.config/opencode/opencode.json': {
        model: 'scripted/scripted-1',
        small_model: 'scripted/scripted-1',
        autoupdate: false,
        share: 'disabled',
        permission: 'allow',
        provider: {
          scripted: {
            npm: '@ai-sdk/openai-compatible',
            name: 'Scripted',
            options: { baseURL: '{env:OPENAI_BASE_URL}', apiKey: '{env:OPENAI_API_KEY}' },
            models: { 'scripted-1': scriptedModel('One'), 'scripted-2': scriptedModel('Two') },
          },
        },
      },
    }),
  },
  copilot: {
    name: 'copilot',
    command: `${MODULES}@github/copilot-linux-x64/copilot`,
    startModel: startScriptedChatModel,
    models: ['scripted-1', 'scripted-2'],
    variables: (url) => ({
      COPILOT_PROVIDER_BASE_URL: `${url}/v1`,
      COPILOT_PROVIDER_TYPE: 'openai',
      COPILOT_PROVIDER_API_KEY: MODEL_KEY,
      COPILOT_MODEL: 'scripted-1',
      COPILOT_OFFLINE: 'true',
    }),
    home: () => ({}),
  },
  qwen: {
    name: 'qwen',
    command: `${MODULES}.bin/qwen`,
    startModel: startScriptedChatModel,
    models: ['scripted-1', 'scripted-2'],
    variables: (url) => ({ OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: MODEL_KEY, OPENAI_MODEL: 'scripted-1' }),
    home: () => ({
      '.qwen/settings.json': {
        security: { auth: { selectedType: 'openai' } },
        model: { name: 'scripted-1' },
        modelProviders: {
          openai: ['scripted-1', 'scripted-2'].map((id) => ({
            id,
            name: id,
            baseUrl: '$OPENAI_BASE_URL',
            envKey: 'OPENAI_API_KEY',
            generationConfig: { modalities: { image: true } },
          })),
        },
        // Calls beside the conversation, which take seconds at the end of each turn.
        memory: { enableManagedAutoMemory: false, enableManagedAutoDream: false, enableAutoSkill: false },
        ui: { enableFollowupSuggestions: false },
      },
    }),
  },
  gemini: {
    name: 'gemini',
    command: `${MODULES}.bin/gemini`,
    startModel: startScriptedGeminiModel,
    models: ['gemini-2.5-flash', 'gemini-2.5-pro'],
    mcpEntry: { usesMcp: true, env: { GEMINI_CLI_TRUST_WORKSPACE: 'true' } },
    variables: (url) => ({ GOOGLE_GEMINI_BASE_URL: url, GEMINI_API_KEY: MODEL_KEY }),
    home: () => ({ '.gemini/settings.json': { security: { auth: { selectedType: 'gemini-api-key' } } } }),
  },
  kimi: {
    name: 'kimi',
    command: `${MODULES}.bin/kimi`,
    startModel: startScriptedChatModel,
    models: ['scripted-1', 'scripted-2'],
    variables: (url) => ({
      KIMI_MODEL_BASE_URL: `${url}/v1`,
      KIMI_MODEL_API_KEY: MODEL_KEY,
      KIMI_MODEL_NAME: 'scripted-1',
      KIMI_MODEL_PROVIDER_TYPE: 'openai',
    }),
    home: () => ({}),
  },
};

/** Why an agent cannot be run here; `undefined` where it can. */
export function reasonToSkipAgent({ command }: RealAgent): string | undefined {
  const platform = `${process.platform}-${process.arch}`;
  if (platform !== 'linux-x64') return `agents are installed for linux-x64 only, and this is ${platform}`;
  return existsSync(command) ? undefined : `npm did not install ${command}`;
}
