import { Inject, Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/app-config.js';
import type { Thread } from '../../storage/stores/thread.store.js';
import { StoredConversation } from '../../turns/memory/stored-conversation.js';
import type { HistoryQuery } from '../dto/history-query.js';
import { type HistoryTurnView, toHistoryTurn } from './history-turn.js';

/** How much of a page is sent, in characters; a turn that is larger gets a page of its own. */
const MAX_PAGE_CHARS = 8 * 1024 * 1024;

/** A page of a thread's conversation, the newest turn first. */
export interface HistoryPage {
  readonly turns: readonly HistoryTurnView[];
  /** The `before` of the next page; `null` on the last one. */
  readonly next_before: number | null;
}

/** Reads the conversations of threads as the store has them. */
@Injectable()
export class SessionHistoryService {
  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    private readonly stored: StoredConversation,
  ) {}

  /** Reads a page of a thread's turns, of all its clients. */
  async read(thread: Thread, { limit, before, toolBlocks }: HistoryQuery): Promise<HistoryPage> {
    const found = await this.stored.lastTurns(thread.id, limit + 1, before);
    const form = { toolBlocks, toolOutputLimit: this.config.toolOutputLimit };
    const turns: HistoryTurnView[] = [];
    let room = MAX_PAGE_CHARS;
    for (const { turn, said } of found.slice(0, limit)) {
      const view = toHistoryTurn(turn, said, form);
      room -= JSON.stringify([view.prompt, view.answer]).length;
      if (room < 0 && turns.length > 0) break;
      turns.push(view);
    }
    return { turns, next_before: turns.length < found.length ? (turns.at(-1)?.sequence ?? null) : null };
  }
}
