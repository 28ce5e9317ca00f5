import { setImmediate } from 'node:timers/promises';
import type {
  KyselyPlugin,
  PluginTransformQueryArgs,
  PluginTransformResultArgs,
  QueryResult,
  RootOperationNode,
  UnknownRow,
} from 'kysely';

/** From this time on, in milliseconds, a statement is slow. */
const SLOW_MS = 10;

/**
 * Lets others have the event loop after a statement that took long: SQLite works on it, and the statements of a turn with a prompt of
 * megabytes would follow one another without a pause.
 */
export class YieldAfterSlow implements KyselyPlugin {
  /** @param took how long the last statement took, in milliseconds. */
  constructor(private readonly took: () => number) {}

  transformQuery({ node }: PluginTransformQueryArgs): RootOperationNode {
    return node;
  }

  async transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    await this.pause();
    return result;
  }

  /** Resolves at once, or when others had the event loop. */
  async pause(): Promise<void> {
    if (this.took() >= SLOW_MS) await setImmediate();
  }
}
