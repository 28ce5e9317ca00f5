import { setImmediate } from 'node:timers/promises';
import type {
  KyselyPlugin,
  PluginTransformQueryArgs,
  PluginTransformResultArgs,
  QueryResult,
  RootOperationNode,
  UnknownRow,
} from 'kysely';

/** A statement that takes at least this long is slow. */
const SLOW_MS = 10;

/**
 * Yields to the event loop after a slow statement. SQLite blocks the loop, and the statements of a turn with a prompt of megabytes
 * would run back to back.
 */
export class YieldAfterSlow implements KyselyPlugin {
  /** @param lastStatementMs returns the duration of the last statement. */
  constructor(private readonly lastStatementMs: () => number) {}

  transformQuery({ node }: PluginTransformQueryArgs): RootOperationNode {
    return node;
  }

  async transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    await this.pause();
    return result;
  }

  /** Whether the last statement was slow. */
  get isDue(): boolean {
    return this.lastStatementMs() >= SLOW_MS;
  }

  /** Resolves at once after a fast statement, otherwise after one turn of the event loop. */
  async pause(): Promise<void> {
    if (this.isDue) await setImmediate();
  }
}
