import type { AgentSettings } from '../../config/agent-settings.js';
import type { HarnessDefinition } from '../definition.js';
import { AcpHarness } from './acp.harness.js';
import { KNOWN_PROGRAMS } from './known-programs.js';
import { toAgentProvider } from './provider.js';

/** The harness of an agent of `CHIRON_AGENTS_FILE`. */
export function toAcpDefinition(agent: AgentSettings): HarnessDefinition {
  const { name, displayName, dialect, modelChoice, provider, passedVariables } = agent;
  const { npmPackage, loginFiles, recordFolders, notInSnapshots } = KNOWN_PROGRAMS[dialect];
  const variables = provider === undefined ? passedVariables : [provider.keyVariable, provider.urlVariable];
  return {
    name,
    displayName,
    sessionType: name,
    offersFullNames: true,
    ...(npmPackage === undefined ? {} : { npmPackage }),
    ...(modelChoice?.by === 'variable' ? { modelVariable: modelChoice.variable } : {}),
    ...(variables.length === 0 ? {} : { login: { variables, files: loginFiles } }),
    ...(provider === undefined ? {} : { provider: toAgentProvider(name, provider) }),
    recordFolders,
    notInSnapshots: notInSnapshots.map((path) => `home/${path}`),
    create: ({ sandbox, command }) => new AcpHarness(sandbox, agent, command),
  };
}
