import { Injectable, Logger } from '@nestjs/common';
import { HarnessGateway } from '../harness/harness.gateway.js';
import type { Prompt } from '../harness/prompt.js';
import { isRefusal } from '../harness/refused.js';
import { historyTold } from '../messages/transcript.js';
import type { Thread } from '../storage/thread.store.js';
import type { Turn } from '../storage/turn.js';
import { TurnStore } from '../storage/turn.store.js';

/** How many turns are read from the store at once. */
const PAGE = 20;

/** Longest text that an agent is told of the turns in the store, in characters: it leaves room for the turns to come. */
const MAX_RECALLED = 200_000;

/** Finds out whether a thread's agent still remembers, and tells what the store has for one that does not. */
@Injectable()
export class ThreadMemory {
  private readonly logger = new Logger(ThreadMemory.name);

  constructor(
    private readonly gateway: HarnessGateway,
    private readonly turns: TurnStore,
  ) {}

  /** Whether the thread has answers of which its agent's own record is gone: its folder was lost, or the record in it. */
  async isLost(thread: Thread): Promise<boolean> {
    if (thread.turnCount === 0 || (await this.gateway.remembers(thread))) return false;
    const isLost = await this.turns.hasAnswer(thread.id);
    if (isLost)
      this.logger.warn({ threadId: thread.id }, 'the agent’s record of a thread is gone; it is told what was said');
    return isLost;
  }

  /** What the store has of the turns before this one: the newest of it, where it is long. Empty for nothing. */
  async recalled(threadId: string, before = Number.MAX_SAFE_INTEGER): Promise<Prompt> {
    const messages: Message[] = [];
    let length = 0;
    let page: readonly Turn[];
    do {
      page = await this.turns.preceding(threadId, before, PAGE);
      for (const turn of page) {
        const said = messagesOf(turn);
        messages.unshift(...said);
        length += JSON.stringify(said).length;
        before = turn.sequence;
      }
    } while (page.length === PAGE && length < MAX_RECALLED);
    return historyTold(messages, MAX_RECALLED);
  }
}

interface Message {
  readonly role: 'user' | 'assistant';
  readonly content: readonly unknown[];
}

/** A turn as messages. A prompt that was refused is not part of the conversation. */
function messagesOf({ prompt, message, failure }: Turn): readonly Message[] {
  if (failure !== undefined && isRefusal(failure.kind)) return [];
  const user: Message = { role: 'user', content: prompt.map(inWords) };
  return message === undefined ? [user] : [user, { role: 'assistant', content: message.content }];
}

/** A picture is told as one that was there: its bytes would take the room of all that was said. */
function inWords(block: Prompt[number]): Prompt[number] {
  if (block.type === 'text' || block.source.type === 'text') return block;
  return { type: 'text', text: `[${block.type}]` };
}
