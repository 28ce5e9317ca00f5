import type { AppConfig } from '../config/app-config.js';
import { toAcpDefinition } from './acp/definition.js';
import { claudeCode } from './claude-code/definition.js';
import { codex } from './codex/definition.js';
import type { Harnesses } from './definition.js';
import { demo } from './demo/definition.js';
import { pi } from './pi/definition.js';

/** The built-in harnesses, which every deployment has. To add one, add its folder and an entry here; for all of a server, see {@link listHarnesses}. */
export const HARNESSES: Harnesses = [claudeCode, codex, pi, demo];

/** All harnesses of a deployment: the built-in ones, and before the demo agent those of its `CHIRON_AGENTS_FILE`. */
export function listHarnesses({ agents }: Pick<AppConfig, 'agents'>): Harnesses {
  const demos = HARNESSES.filter(({ isDemo }) => isDemo === true);
  return [...HARNESSES.filter((harness) => !demos.includes(harness)), ...agents.map(toAcpDefinition), ...demos];
}
