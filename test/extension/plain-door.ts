import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  HttpCode,
  Module,
  Post,
  Req,
  UseFilters,
} from '@nestjs/common';
import type { Request, Response } from 'express';
import { createHash } from 'node:crypto';
import { lastValueFrom, map, reduce } from 'rxjs';
import { CurrentPrincipal, type Principal } from '../../src/auth/principal.js';
import type { HarnessEvent } from '../../src/domain/harness-event.js';
import { ServiceError } from '../../src/domain/service-error.js';
import { readJsonBody } from '../../src/http/read-body.js';
import { SERVICE_ERROR_STATUS, serviceErrorHeaders } from '../../src/http/service-error-http.js';
import type { TurnRequest } from '../../src/turns/turn-request.js';
import { TurnService } from '../../src/turns/turn.service.js';
import { TurnsModule } from '../../src/turns/turns.module.js';

// A door of one route, as an extension would have it: text in, text out. Nothing of Anthropic's protocol is in it.

interface PlainRequest {
  readonly thread: string;
  readonly model: string;
  readonly text: string;
}

/** Renders a refusal as one line, `<kind>: <message>`. */
@Catch(ServiceError)
class PlainErrorFilter implements ExceptionFilter<ServiceError> {
  catch(error: ServiceError, host: ArgumentsHost): void {
    host
      .switchToHttp()
      .getResponse<Response>()
      .status(SERVICE_ERROR_STATUS[error.kind])
      .set(serviceErrorHeaders(error))
      .type('text')
      .send(`${error.kind}: ${error.message}\n`);
  }
}

@Controller('plain')
@UseFilters(PlainErrorFilter)
class PlainController {
  constructor(private readonly turns: TurnService) {}

  @Post()
  @HttpCode(200)
  async ask(@CurrentPrincipal() { tenant }: Principal, @Req() request: Request): Promise<string> {
    const opened = await this.turns.open(toTurnRequest(tenant, parse(await readJsonBody(request))));
    try {
      return await lastValueFrom(
        this.turns.read(opened).pipe(
          map((events) => events.map(toText).join('')),
          reduce((answer, text) => answer + text, ''),
        ),
      );
    } finally {
      this.turns.leave(opened);
    }
  }
}

/** The door. */
@Module({ imports: [TurnsModule], controllers: [PlainController] })
export class PlainDoorModule {}

function parse(body: unknown): PlainRequest {
  const isText = (value: unknown): value is string => typeof value === 'string';
  const { thread, model, text } = Object(body) as Readonly<Record<string, unknown>>;
  if (!isText(thread) || !isText(model) || !isText(text)) {
    throw new ServiceError('bad_request', 'thread, model and text are required');
  }
  return { thread, model, text };
}

function toTurnRequest(tenant: string, { thread, model, text }: PlainRequest): TurnRequest {
  return {
    tenant,
    threadKey: `plain:${thread}`,
    isFreshThread: false,
    isSideRequest: false,
    requestKey: createHash('sha256').update(text).digest('hex'),
    // Without a history, the same text is a retry until its answer was delivered.
    hasHistory: false,
    history: undefined,
    continuesFrom: undefined,
    prompt: [{ type: 'text', text }],
    model,
    systemPrompt: undefined,
    outputSchema: undefined,
    caller: 'plain',
    user: undefined,
    idempotencyKey: undefined,
    attempt: 'unknown',
    traceId: undefined,
    interrupts: false,
  };
}

function toText(event: HarnessEvent): string {
  switch (event.type) {
    case 'text-delta':
      return event.text;
    case 'turn-failed':
      return `failed: ${event.message}`;
    default:
      return '';
  }
}
