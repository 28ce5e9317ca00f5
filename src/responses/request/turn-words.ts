import { Injectable } from '@nestjs/common';
import { ThreadStore } from '../../storage/stores/thread.store.js';
import { TurnStore } from '../../storage/stores/turn.store.js';
import type { ResolvedThread } from '../../threads/thread.resolver.js';
import type { ResponsesCall, ResponsesClient } from '../clients/responses-client.js';
import { type ConversationEntry, findNewest } from '../../openai/request/conversation-entry.js';

/** Which words of a turn a request brings, by the client's own id of the turn. */
export interface TurnWordsFound {
  /** The same for each try of the request. */
  readonly key: string;
  /** How many of the newest messages earlier requests of the turn have brought already. */
  readonly known: number;
  /** Whether the words are added to a turn that an earlier request began. */
  readonly areAdded: boolean;
}

/**
 * Tells the requests of one turn apart by how many messages the user has said by then: a retry has as many as the request before, and words
 * that are typed while the turn runs come with one more. [Codex 0.169.0, codex-tui-interrupt-and-steer.jsonl]
 */
@Injectable()
export class TurnWords {
  constructor(
    private readonly threads: ThreadStore,
    private readonly turns: TurnStore,
  ) {}

  /** Finds what a request brings; `undefined` for a client without ids of turns, and on an unnamed thread. */
  async find(
    tenant: string,
    call: ResponsesCall,
    client: ResponsesClient,
    { key: threadKey, isFresh }: ResolvedThread,
    entries: readonly ConversationEntry[],
  ): Promise<TurnWordsFound | undefined> {
    const turnId = client.findTurnId(call);
    if (turnId === undefined || isFresh) return undefined;
    const toKey = (count: number): string => `${client.kind}:${turnId}:${count}`;
    const said = countSaid(entries, client);
    const newest = countSaid(entries.slice(findNewest(entries)), client);
    const key = toKey(said);
    const thread = await this.threads.find(tenant, threadKey);
    if (thread === undefined) return { key, known: 0, areAdded: false };
    for (let count = said - 1; count > 0 && count >= said - newest; count -= 1) {
      const earlier = await this.turns.byIdempotencyKey(thread.id, toKey(count));
      if (earlier !== undefined) return { key, known: newest - (said - count), areAdded: true };
    }
    return { key, known: 0, areAdded: false };
  }
}

/** Counts the messages that the user wrote, and the outputs of the client's tools. */
function countSaid(entries: readonly ConversationEntry[], client: ResponsesClient): number {
  return entries.filter(({ role, blocks }) => role === 'user' && isSaid(blocks, client)).length;
}

/** Whether there is anything that the client did not add by itself. */
export function isSaid(
  blocks: ConversationEntry['blocks'],
  { filterText }: Pick<ResponsesClient, 'filterText'>,
): boolean {
  return blocks.some((block) => block.type !== 'text' || filterText(block.text).trim() !== '');
}
