import { Injectable } from '@nestjs/common';
import type { Thread } from '../../storage/stores/thread.store.js';
import type { TurnSummary } from '../../storage/stores/turn.js';
import { TurnStore } from '../../storage/stores/turn.store.js';
import { StoredConversation } from '../memory/stored-conversation.js';
import type { TurnRequest } from '../turn-request.js';
import { MAX_TOLD_TURNS, renderMeanwhile } from './meanwhile.js';

/** Finds what the person who reads an answer has missed on its thread. */
@Injectable()
export class MeanwhileReader {
  constructor(
    private readonly turns: TurnStore,
    private readonly stored: StoredConversation,
  ) {}

  /**
   * Tells what others did on the thread since the last turn of the request's client, or since it joined; `undefined` if they did nothing, the
   * client has no place on the thread yet, or no person reads the answer. Costs no query if the thread's last turn is the client's own and
   * has not failed.
   *
   * @param recent the thread's last turns, newest first.
   */
  async read(
    { user, knownTurns, isReadByPerson }: Pick<TurnRequest, 'user' | 'knownTurns' | 'isReadByPerson'>,
    thread: Thread | undefined,
    recent: readonly TurnSummary[],
  ): Promise<string | undefined> {
    const [newest] = recent;
    if (isReadByPerson !== true || user === undefined || thread === undefined) return undefined;
    // A failed turn may have told nothing, as it had no content.
    if (newest === undefined || (newest.maker === user && newest.state !== 'failed')) return undefined;
    const since = Math.max(await this.turns.lastOfMaker(thread.id, user), knownTurns?.last ?? 0);
    if (since === 0 || newest.sequence <= since) return undefined;
    const { turns, count } = await this.turns.lastOfOthers(thread.id, user, since, MAX_TOLD_TURNS);
    const missed = (await this.stored.withAllSaid(turns)).toReversed().map(({ turn, said }) => ({ ...turn, said }));
    return renderMeanwhile(thread.key, missed, count);
  }
}
