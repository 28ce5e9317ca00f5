import { Injectable } from '@nestjs/common';
import type { ContentBlock } from '../../anthropic/stream-event.js';
import { CALLER_SERVER, type SeedBlock } from '../../domain/seed/seed-message.js';
import { quoteForCaller, ServiceError } from '../../domain/service-error.js';
import { TurnService } from '../../turns/turn.service.js';
import { findItemTurn } from '../wire/response-ids.js';
import type { ConversationEntry } from '../../openai/request/conversation-entry.js';
import type { InputEntry } from './read-input.js';

/** Replaces references to items of earlier responses by what the responses said. */
@Injectable()
export class ItemReferences {
  constructor(private readonly turns: TurnService) {}

  /**
   * Replaces the references among entries. All references to the items of one response stand for its whole answer.
   *
   * Rejects with a ServiceError (`not_found`) for an item that the tenant does not have.
   */
  async resolve(tenant: string, entries: readonly InputEntry[]): Promise<readonly ConversationEntry[]> {
    const resolved: ConversationEntry[] = [];
    const seen = new Set<string>();
    for (const entry of entries) {
      if (entry.role !== 'reference') {
        resolved.push(entry);
        continue;
      }
      const messageId = findItemTurn(entry.id);
      if (messageId === undefined) throw itemNotFound(entry.id);
      const blocks = seen.has(messageId) ? [] : await this.readAnswer(tenant, messageId, entry.id);
      seen.add(messageId);
      resolved.push({ role: 'assistant', blocks, index: entry.index });
    }
    return resolved;
  }

  private async readAnswer(tenant: string, messageId: string, itemId: string): Promise<readonly SeedBlock[]> {
    const { turn } = await this.turns.find(tenant, messageId).catch((error: unknown) => {
      throw error instanceof ServiceError ? itemNotFound(itemId) : error;
    });
    return (turn.message?.content ?? []).flatMap(toSeedBlock);
  }
}

function toSeedBlock(block: ContentBlock): readonly SeedBlock[] {
  if (block.type === 'text') return [{ type: 'text', text: block.text }];
  if (block.type !== 'tool_use') return [];
  return [{ type: 'tool-call', id: block.id, name: block.name, server: CALLER_SERVER, input: block.input }];
}

function itemNotFound(id: string): ServiceError {
  return new ServiceError('not_found', `input: there is no item ${quoteForCaller(id)} here`);
}
