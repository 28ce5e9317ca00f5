import { Inject, Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { filter, firstValueFrom, map } from 'rxjs';
import { AppConfig } from '../../config/app-config.js';
import type { HarnessEvent, JsonValue } from '../../domain/harness-event.js';
import type { Prompt } from '../../domain/prompt.js';
import { StoreClock } from '../../storage/database/store-clock.js';
import { EventLog } from '../../storage/event-log/event-log.js';
import { type MessageFate, SessionMessageStore, toPromptKey } from '../../storage/stores/session-message.store.js';
import type { Thread } from '../../storage/stores/thread.store.js';
import type { SteeringFacts } from '../matching/steer-rules.js';
import { TurnCallers } from '../matching/turn-callers.js';
import type { TurnRequest } from '../turn-request.js';
import { OtherCallers } from '../hosting/other-callers.js';
import { ThreadHost } from '../hosting/thread-host.js';

/** A request whose message was stored for the running turn of its thread. */
export interface SteeredRequest {
  readonly threadId: string;
  readonly turnId: string;
  readonly messageId: string;
}

/** Hands the message of a request to the running turn of its thread, as a message that the session API appends. */
@Injectable()
export class RequestSteering {
  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    private readonly messages: SessionMessageStore,
    private readonly log: EventLog,
    private readonly host: ThreadHost,
    private readonly callers: TurnCallers,
    private readonly otherCallers: OtherCallers,
    private readonly clock: StoreClock,
  ) {}

  /**
   * Reads the facts about steering for `classify`.
   *
   * @param before what this call of the request has stored already.
   */
  async readFacts(
    request: TurnRequest,
    thread: Thread | undefined,
    before: SteeredRequest | undefined,
  ): Promise<SteeringFacts> {
    if (thread === undefined || (request.onBusy ?? this.config.onBusy) !== 'steer')
      return { steered: undefined, canSteer: false };
    const steered =
      before === undefined ? await this.findStored(request, thread) : await this.messages.byId(before.messageId);
    // While the agent's process is starting, it is not known.
    return { steered: await this.withDelivery(steered), canSteer: (await this.host.canSteer(thread.id)) ?? true };
  }

  /** Stores the message of a request for the turn and hands it over, unless an earlier attempt has. Call it under the thread's lock. */
  async hand(
    { idempotencyKey, requestKey, prompt, caller, chain }: TurnRequest,
    { thread, turnId }: { readonly thread: Thread; readonly turnId: string },
    known: MessageFate | undefined,
  ): Promise<SteeredRequest> {
    if (known?.turnId === turnId) return { threadId: thread.id, turnId, messageId: known.id };
    const clientMessageId =
      idempotencyKey === undefined ? `${toRequestPrefix(requestKey)}${randomUUID()}` : toKeyId(idempotencyKey);
    const message = {
      clientMessageId,
      role: 'user',
      parts: toParts(prompt),
      metadata: { caller, ...toPromptKey(chain?.promptKey) },
    } as const;
    const [messageId] = (await this.messages.append(thread.id, [message], this.clock.now())) ?? [];
    if (messageId === undefined) throw new Error(`thread ${thread.id} was removed while it was steered`);
    await this.host.steer(thread.id);
    return { threadId: thread.id, turnId, messageId };
  }

  /** Resolves to true once the agent has heard the message, and to false when the turn is over without that. Rejects when the store cannot be read. */
  waitUntilHeard({ turnId, messageId }: SteeredRequest): Promise<boolean> {
    const isHeard = (events: readonly HarnessEvent[]): boolean =>
      events.some((event) => event.type === 'user-message' && event.id === messageId);
    return firstValueFrom(this.log.read(turnId).pipe(map(isHeard), filter(Boolean)), { defaultValue: false });
  }

  /** The caller's next request may arrive before the store has the delivery of its last answer. */
  private async withDelivery(message: MessageFate | undefined): Promise<MessageFate | undefined> {
    if (message === undefined || !message.isHeard || message.deliveredAt !== undefined) return message;
    await Promise.all([this.callers.settle([message.id]), this.otherCallers.settle([message.id])]);
    return this.messages.byId(message.id);
  }

  /** What became of the message that an earlier attempt of a request has stored. */
  private findStored({ idempotencyKey, requestKey }: TurnRequest, { id }: Thread): Promise<MessageFate | undefined> {
    return idempotencyKey === undefined
      ? this.messages.lastByClientIdPrefix(id, toRequestPrefix(requestKey))
      : this.messages.byClientMessageId(id, toKeyId(idempotencyKey));
  }
}

/** Client message ids of requests. They stay within a tenant's thread, so that a client can at most imitate its own. */
function toKeyId(idempotencyKey: string): string {
  return `key:${idempotencyKey}`;
}

/** Without a key, the same words may come again after they were heard, as another message with an id of its own. */
function toRequestPrefix(requestKey: string): string {
  return `request:${requestKey}:`;
}

function toParts(prompt: Prompt): readonly JsonValue[] {
  const parts: readonly JsonValue[] = JSON.parse(JSON.stringify(prompt));
  return parts;
}
