import type { AgentSettings } from '../../../config/agent-settings.js';
import type { JsonObject } from '../../../domain/harness-event.js';
import { asObject, asObjects, asString } from '../../../domain/json.js';
import type { McpServer } from '../../../domain/mcp-server.js';

/** What every request that opens a session has. */
export function toSessionParameters(
  cwd: string,
  mcpServers: readonly McpServer[],
  systemPrompt: string | undefined,
): JsonObject {
  return {
    cwd,
    mcpServers: mcpServers.map(toServer),
    // Unstable in the schema; in this form it reaches the model of claude-agent-acp 0.101.0 and codex-acp 2.6.0 (recordings *.system-prompt).
    ...(systemPrompt === undefined
      ? {}
      : { systemPrompt: { mode: 'append', content: [{ type: 'text', text: systemPrompt }] } }),
  };
}

function toServer({ name, url, headers }: McpServer): JsonObject {
  return {
    type: 'http',
    name,
    url,
    headers: Object.entries(headers).map(([header, value]) => ({ name: header, value })),
  };
}

/** A change of a setting that a session needs. */
export interface SessionSetting {
  readonly method: 'set_mode' | 'set_model' | 'set_config_option';
  readonly params: JsonObject;
  /** Whether a turn without it would run something else than was asked for. */
  readonly isModel: boolean;
}

/** What is set in each session that is opened: agents forget it with their process. */
export function toSettings(
  { allowMode, modelChoice }: Pick<AgentSettings, 'allowMode' | 'modelChoice'>,
  sessionId: string,
  model: string | undefined,
): readonly SessionSetting[] {
  const settings: SessionSetting[] = [];
  if (allowMode?.by === 'mode')
    settings.push({ method: 'set_mode', params: { sessionId, modeId: allowMode.mode }, isModel: false });
  if (allowMode?.by === 'config-option')
    settings.push({
      method: 'set_config_option',
      params: { sessionId, configId: allowMode.option, value: allowMode.value },
      isModel: false,
    });
  if (model !== undefined && modelChoice?.by === 'config-option')
    settings.push({
      method: 'set_config_option',
      params: { sessionId, configId: modelChoice.option, value: model },
      isModel: true,
    });
  if (model !== undefined && modelChoice?.by === 'set-model')
    settings.push({ method: 'set_model', params: { sessionId, modelId: model }, isModel: true });
  return settings;
}

/** The model that a session has when it is opened, as the answer to the request tells it; `undefined` if it does not. */
export function readSessionModel({ configOptions, models }: JsonObject): string | undefined {
  const option = asObjects(configOptions).find(({ id }) => id === 'model');
  return asString(option?.['currentValue']) ?? asString(asObject(models)['currentModelId']);
}
