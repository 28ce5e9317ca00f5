import { All, Controller, HttpCode, Post, Req, Res, UseFilters } from '@nestjs/common';
import { ApiExcludeEndpoint } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { CurrentPrincipal, type Principal } from '../auth/principal.js';
import { readJsonBody } from '../http/read-body.js';
import { noteRequestFacts } from '../http/request-facts.js';
import { setTurnHeaders } from '../http/thread-headers.js';
import { methodNotServed } from '../openai/errors/openai.exception.js';
import { setOpenaiHeaders } from '../openai/response/openai-headers.js';
import { describeHistory, TurnService } from '../turns/turn.service.js';
import { CreateCompletionDocs } from './chat-completions.docs.js';
import { CompletionPlanner } from './request/completion-planner.js';
import { parseCreateCompletion } from './request/create-completion.dto.js';
import { ChatErrorFilter } from './response/chat-error.filter.js';
import { CompletionService } from './response/completion.service.js';

/** OpenAI's Chat Completions. */
@Controller('v1/chat/completions')
@UseFilters(ChatErrorFilter)
export class ChatCompletionsController {
  constructor(
    private readonly planner: CompletionPlanner,
    private readonly turns: TurnService,
    private readonly completions: CompletionService,
  ) {}

  /** Opens a turn for the request, or attaches to an existing one, and answers with its answer. */
  @Post()
  @HttpCode(200)
  @CreateCompletionDocs()
  async create(
    @CurrentPrincipal() principal: Principal,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const body = parseCreateCompletion(await readJsonBody(request));
    const { turn, view } = await this.planner.plan(principal, { header: (name) => request.get(name), body });
    const opened = await this.turns.open(turn);
    noteRequestFacts(request, { threadId: opened.thread.id, turnId: opened.turn.id });
    setTurnHeaders(response, opened.thread.key, describeHistory(opened));
    setOpenaiHeaders(response);
    if (body.stream === true) {
      const includesUsage = body.stream_options?.['include_usage'] === true;
      await this.completions.stream(opened, view, response, includesUsage, () => this.turns.leave(opened));
      return;
    }
    try {
      await this.completions.sendWhole(opened, view, response);
    } finally {
      this.turns.leave(opened);
    }
  }

  @All()
  @ApiExcludeEndpoint()
  notAllowed(): never {
    throw methodNotServed();
  }
}
