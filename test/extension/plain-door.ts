// A door as an extension would have it: text in, text out, over the same durable turns. Nothing of Anthropic's protocol is in it.
// docs/adding-a-door.md walks through it.
import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  Logger,
  Module,
  Param,
  Post,
  Req,
  Res,
  UseFilters,
} from '@nestjs/common';
import type { Request, Response } from 'express';
import { createHash } from 'node:crypto';
import { fromEvent, lastValueFrom, mergeAll, takeUntil, toArray } from 'rxjs';
import { CurrentPrincipal, type Principal, requirePolicies } from '../../src/auth/principal.js';
import { dropAbandonedBlocks } from '../../src/domain/abandoned-blocks.js';
import type { HarnessEvent } from '../../src/domain/harness-event.js';
import { ServiceError } from '../../src/domain/service-error.js';
import { readJsonBody } from '../../src/http/read-body.js';
import { SERVICE_ERROR_STATUS, toErrorHeaders } from '../../src/http/service-error-http.js';
import { findThreadKeyProblem } from '../../src/threads/thread-key.js';
import type { OpenedTurn, TurnRequest } from '../../src/turns/turn-request.js';
import { TurnService } from '../../src/turns/turn.service.js';
import { TurnsModule } from '../../src/turns/turns.module.js';

interface PlainRequest {
  readonly threadKey: string;
  readonly model: string;
  readonly text: string;
}

/** Renders every error as one line, `<kind>: <message>`. */
@Catch()
class PlainErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(PlainErrorFilter.name);

  catch(thrown: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>().type('text');
    if (thrown instanceof ServiceError) {
      const { kind, message } = thrown;
      response.status(SERVICE_ERROR_STATUS[kind]).set(toErrorHeaders(thrown)).send(`${kind}: ${message}\n`);
      return;
    }
    this.logger.error({ err: thrown }, 'request failed');
    response.status(500).send('internal: The server failed.\n');
  }
}

@Controller('plain')
@UseFilters(PlainErrorFilter)
class PlainController {
  private readonly logger = new Logger(PlainController.name);

  constructor(private readonly turns: TurnService) {}

  @Post()
  async ask(
    @CurrentPrincipal() principal: Principal,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const opened = await this.turns.open(toTurnRequest(principal, parseRequest(await readJsonBody(request))));
    try {
      await this.answer(opened, response);
    } finally {
      this.turns.leave(opened);
    }
  }

  @Get(':messageId')
  async readAgain(
    @CurrentPrincipal() { tenant }: Principal,
    @Param('messageId') messageId: string,
    @Res() response: Response,
  ): Promise<void> {
    await this.answer(await this.turns.find(tenant, messageId), response);
  }

  /** Sends the answer when the turn ends, however long that takes. The turn goes on when the caller disconnects. */
  private async answer(opened: OpenedTurn, response: Response): Promise<void> {
    const events$ = this.turns.read(opened).pipe(takeUntil(fromEvent(response, 'close')), mergeAll(), toArray());
    const { status, text } = toAnswer(await lastValueFrom(events$));
    if (response.destroyed) return;
    response.once('finish', () => this.noteDelivery(opened));
    response.status(status).set('content-location', `/plain/${opened.turn.messageId}`).type('text').send(text);
  }

  private noteDelivery(opened: OpenedTurn): void {
    this.turns.delivered(opened).catch((error: unknown) => {
      this.logger.warn({ turnId: opened.turn.id, err: error }, 'failed to record a delivery');
    });
  }
}

/** The door. */
@Module({ imports: [TurnsModule], controllers: [PlainController] })
export class PlainDoorModule {}

function parseRequest(body: unknown): PlainRequest {
  const isText = (value: unknown): value is string => typeof value === 'string';
  const { thread, model, text } = Object(body) as Readonly<Record<string, unknown>>;
  if (!isText(thread) || !isText(model) || !isText(text)) {
    throw new ServiceError('bad_request', 'thread, model and text are required');
  }
  const threadKey = `plain:${thread}`;
  const problem = findThreadKeyProblem(threadKey);
  if (problem !== undefined) throw new ServiceError('bad_request', problem);
  return { threadKey, model, text };
}

function toTurnRequest(principal: Principal, { threadKey, model, text }: PlainRequest): TurnRequest {
  return {
    tenant: principal.tenant,
    threadKey,
    isFreshThread: false,
    isSideRequest: false,
    requestKey: createHash('sha256').update(text).digest('hex'),
    // Without a history, the same text is a retry until its answer was delivered.
    hasHistory: false,
    history: undefined,
    chain: undefined,
    continuesFrom: undefined,
    prompt: [{ type: 'text', text }],
    model,
    systemPrompt: undefined,
    outputSchema: undefined,
    caller: 'plain',
    billedTo: { keyId: principal.keyId, userId: undefined },
    policies: requirePolicies(principal),
    user: undefined,
    idempotencyKey: undefined,
    attempt: 'unknown',
    traceparent: undefined,
    interrupts: false,
  };
}

function toAnswer(events: readonly HarnessEvent[]): { readonly status: number; readonly text: string } {
  const end = events.at(-1);
  if (end?.type === 'turn-failed') return { status: 502, text: `${end.kind}: ${end.message}\n` };
  const texts = dropAbandonedBlocks(events).flatMap((event) => (event.type === 'text-delta' ? [event.text] : []));
  return { status: 200, text: texts.join('') };
}
