import type { HarnessAlias } from '../../config/harness-aliases.js';
import type { Harnesses } from '../../harness/definition.js';
import type { HarnessName } from '../../harness/harness.js';
import { HARNESSES } from '../../harness/harnesses.js';
import type { Thread } from '../../storage/stores/thread.store.js';

/** The values of `harness_type` that every deployment accepts, for examples in the documentation. */
export const HARNESS_TYPES: readonly string[] = HARNESSES.map(({ sessionType }) => sessionType);

/** The alias of every type that is unknown, and of none. */
const ANY_TYPE = '*';

/** The harness types of a server: those of its harnesses, and the aliases that its deployment gives them. */
export interface HarnessTypes {
  readonly harnesses: Harnesses;
  readonly aliases: readonly HarnessAlias[];
}

/** Lists the types that a client may ask for by name. */
export function listHarnessTypes({ harnesses, aliases }: HarnessTypes): readonly string[] {
  const types = [...harnesses.map(({ sessionType }) => sessionType), ...aliases.map(({ type }) => type)];
  return [...new Set(types)].filter((type) => type !== ANY_TYPE);
}

/**
 * Finds the name of the harness for a `harness_type`, or for none. An alias goes before a harness's own type, so that a deployment
 * without Codex can run its clients of `codex` with another harness.
 */
export function parseHarnessType(
  type: string | undefined,
  { harnesses, aliases }: HarnessTypes,
): HarnessName | undefined {
  const alias = aliases.find((candidate) => candidate.type === type);
  const own = harnesses.find(({ sessionType }) => sessionType === type);
  return alias?.harness ?? own?.name ?? aliases.find((candidate) => candidate.type === ANY_TYPE)?.harness;
}

/** The metadata of a new thread by which {@link toHarnessType} shows the type that its client asked for. */
export function toTypeMetadata(
  type: string | undefined,
  { harnesses }: HarnessTypes,
): { readonly harnessType?: string } {
  return type === undefined || harnesses.some(({ sessionType }) => sessionType === type) ? {} : { harnessType: type };
}

/**
 * The `harness_type` of a thread: the alias that its client asked for while that still stands for the thread's harness, or else the type
 * of the harness; its stored name when this version does not have it.
 */
export function toHarnessType(thread: Pick<Thread, 'harness' | 'metadata'>, types: HarnessTypes): string {
  const { harnessType: asked } = thread.metadata;
  if (typeof asked === 'string' && parseHarnessType(asked, types) === thread.harness) return asked;
  return types.harnesses.find(({ name }) => name === thread.harness)?.sessionType ?? thread.harness;
}
