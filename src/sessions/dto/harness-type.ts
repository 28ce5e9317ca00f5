import type { HarnessName } from '../../harness/harness.js';

/** The values of `harness_type` on the wire: centaur's names, and our demo. */
export const HARNESS_TYPES = ['codex', 'claudecode', 'demo'] as const;

/** A harness as the session API names it. */
export type HarnessType = (typeof HARNESS_TYPES)[number];

const NAME_OF_TYPE: Readonly<Record<HarnessType, HarnessName>> = {
  codex: 'codex',
  claudecode: 'claude-code',
  demo: 'demo',
};
const TYPE_OF_NAME: Readonly<Record<HarnessName, HarnessType>> = {
  codex: 'codex',
  'claude-code': 'claudecode',
  demo: 'demo',
};

/** Our name of a harness. */
export function parseHarnessType(type: HarnessType): HarnessName {
  return NAME_OF_TYPE[type];
}

/** The session API's name of a harness. */
export function toHarnessType(name: HarnessName): HarnessType {
  return TYPE_OF_NAME[name];
}
