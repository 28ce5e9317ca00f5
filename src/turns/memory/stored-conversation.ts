import { Injectable } from '@nestjs/common';
import type { Prompt } from '../../domain/prompt.js';
import type { SeedMessage } from '../../domain/seed/seed-message.js';
import { SessionMessageStore } from '../../storage/stores/session-message.store.js';
import type { Turn } from '../../storage/stores/turn.js';
import { TurnStore } from '../../storage/stores/turn.store.js';
import { readGivenResults } from '../running/input/stored-request.js';
import { isEnoughForSeed, type SeedTurn, toTurnSeed } from './turn-seed.js';

/** How many turns are read from the store at once. */
const PAGE_SIZE = 20;

/** A turn with all that its user said: its prompt, and the messages that the agent heard meanwhile. */
export interface SaidTurn {
  readonly turn: Turn;
  /** The log of the turn may be pruned, so that it is not known after which text the agent heard the later messages. */
  readonly said: Prompt;
}

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
    return toTurnSeed(await this.#load(threadId, before, since));
  }

  /** As {@link loadSeed}, for another thread, whose workspace does not have the files of this one. */
  async loadBranchSeed(threadId: string, before: number): Promise<readonly SeedMessage[]> {
    return toTurnSeed(await this.#load(threadId, before, 0), true);
  }

  async #load(threadId: string, before: number | undefined, since: number): Promise<readonly SeedTurn[]> {
    const newestFirst: SeedTurn[] = [];
    let page: readonly SaidTurn[];
    do {
      page = await this.lastTurns(threadId, PAGE_SIZE, before, since);
      newestFirst.push(...page.map(toSeedTurn));
      before = page.at(-1)?.turn.sequence;
    } while (page.length === PAGE_SIZE && !isEnoughForSeed(newestFirst));
    return newestFirst.toReversed();
  }

  /** The thread's last turns before this sequence number, and after `since`, newest first. */
  async lastTurns(threadId: string, limit: number, before?: number, since = 0): Promise<readonly SaidTurn[]> {
    const last = await this.turns.lastTurns(threadId, limit, before);
    return this.withAllSaid(last.filter(({ sequence }) => sequence > since));
  }

  /** Adds to each turn what its user said while it ran. */
  async withAllSaid(page: readonly Turn[]): Promise<readonly SaidTurn[]> {
    const heard = await this.messages.heardMeanwhile(page.map(({ id }) => id));
    return page.map((turn) => ({
      turn,
      said: [...turn.prompt, ...(heard.get(turn.id) ?? []).flatMap((message) => message.prompt)],
    }));
  }
}

function toSeedTurn({ turn, said }: SaidTurn): SeedTurn {
  return { ...turn, prompt: said, results: readGivenResults(turn) };
}
