import { Injectable } from '@nestjs/common';
import type { SeedMessage } from '../../domain/seed/seed-message.js';
import { SessionMessageStore } from '../../storage/stores/session-message.store.js';
import type { Turn } from '../../storage/stores/turn.js';
import { TurnStore } from '../../storage/stores/turn.store.js';
import type { UserMessage } from '../../storage/stores/user-message.js';
import { readGivenResults } from '../running/input/stored-request.js';
import { isEnoughForSeed, type SeedTurn, toTurnSeed } from './turn-seed.js';

/** How many turns are read from the store at once. */
const PAGE_SIZE = 20;

/** The conversations of threads as the store has them. */
@Injectable()
export class StoredConversation {
  constructor(
    private readonly turns: TurnStore,
    private readonly messages: SessionMessageStore,
  ) {}

  /**
   * Makes a seed from the stored turns before this sequence number, and after `since`; only of the newest where they are long. Empty when
   * there are none.
   */
  async loadSeed(threadId: string, before?: number, since = 0): Promise<readonly SeedMessage[]> {
    const newestFirst: SeedTurn[] = [];
    let page: readonly Turn[];
    do {
      const last = await this.turns.lastTurns(threadId, PAGE_SIZE, before);
      page = last.filter(({ sequence }) => sequence > since);
      const heard = await this.messages.heardMeanwhile(page.map(({ id }) => id));
      newestFirst.push(...page.map((turn) => toSeedTurn(turn, heard.get(turn.id) ?? [])));
      before = page.at(-1)?.sequence;
    } while (page.length === PAGE_SIZE && !isEnoughForSeed(newestFirst));
    return toTurnSeed(newestFirst.toReversed());
  }
}

/** The log of a turn may be pruned, so that it is not known after which text the agent heard the messages. */
function toSeedTurn(turn: Turn, heardMeanwhile: readonly UserMessage[]): SeedTurn {
  const prompt = [...turn.prompt, ...heardMeanwhile.flatMap((message) => message.prompt)];
  return { ...turn, prompt, results: readGivenResults(turn) };
}
