import { Injectable } from '@nestjs/common';
import { quoteForCaller, ServiceError } from '../../domain/service-error.js';
import { StoreClock } from '../../storage/database/store-clock.js';
import { TurnStore } from '../../storage/stores/turn.store.js';
import type { OpenedTurn } from '../../turns/turn-request.js';
import { TurnService } from '../../turns/turn.service.js';
import { toResponseOptions } from '../request/stored-facts.js';
import type { ResponseOptions } from '../translate/response-state.js';
import { toTurnMessageId } from '../wire/response-ids.js';

/** A response that was asked for by its id. */
export interface FoundResponse {
  readonly opened: OpenedTurn;
  readonly options: ResponseOptions;
}

/** Finds responses by their ids. */
@Injectable()
export class ResponseFinder {
  constructor(
    private readonly turns: TurnService,
    private readonly store: TurnStore,
    private readonly clock: StoreClock,
  ) {}

  /** Finds the turn of a response, for reading. Rejects with a ServiceError (`not_found`) if the tenant has none. */
  async find(tenant: string, responseId: string): Promise<FoundResponse> {
    const messageId = toTurnMessageId(responseId);
    if (messageId === undefined) throw responseNotFound(responseId);
    const opened = await this.turns.find(tenant, messageId).catch((error: unknown) => {
      throw error instanceof ServiceError ? responseNotFound(responseId) : error;
    });
    if (opened.turn.responseDeletedAt !== undefined) throw responseNotFound(responseId);
    const options = toResponseOptions(opened);
    // Whoever asks by the id knows of the cancellation.
    return { opened, options: { ...options, view: { ...options.view, endsCancelled: true } } };
  }

  /** Forgets a response: nobody finds it any more. Its turn stays a part of the thread. Rejects as {@link find}. */
  async delete(tenant: string, responseId: string): Promise<void> {
    const { opened } = await this.find(tenant, responseId);
    await this.store.markResponseDeleted(opened.turn.id, this.clock.now());
  }
}

function responseNotFound(id: string): ServiceError {
  return new ServiceError('not_found', `There is no response ${quoteForCaller(id)} here.`, {
    code: 'response_not_found',
  });
}
