import { All, Controller, HttpCode, Post, Req } from '@nestjs/common';
import { ApiExcludeEndpoint } from '@nestjs/swagger';
import type { Request } from 'express';
import { methodNotAllowed } from '../../anthropic/method-not-allowed.js';
import { CurrentPrincipal, type Principal } from '../../auth/principal.js';
import { CallerSigns } from '../caller-signs.js';
import { CountTokensDocs } from './count-tokens.docs.js';
import { parseCountTokens } from './count-tokens.dto.js';
import { readJsonBody } from '../../http/read-body.js';
import { TokenCounter } from './token-counter.js';

/** The response of a count; beta requests get one more field. */
interface TokenCount {
  readonly input_tokens: number;
  readonly context_management?: null;
}

/** Counts the tokens of a request without a thread or a turn: Claude Code counts more than 20 times for one `/context`. */
@Controller('v1/messages/count_tokens')
export class CountTokensController {
  constructor(
    private readonly counter: TokenCounter,
    private readonly signs: CallerSigns,
  ) {}

  @Post()
  @HttpCode(200)
  @CountTokensDocs()
  async count(@CurrentPrincipal() principal: Principal, @Req() request: Request): Promise<TokenCount> {
    this.signs.note(principal, (name) => request.get(name));
    const body = parseCountTokens(await readJsonBody(request));
    const count = { input_tokens: await this.counter.count(body) };
    return isBeta(request) ? { ...count, context_management: null } : count;
  }

  @All()
  @ApiExcludeEndpoint()
  notAllowed(): never {
    throw methodNotAllowed('POST');
  }
}

/** SDKs before 1.3 request a beta by the query, later ones by the header alone. */
function isBeta(request: Request): boolean {
  return request.query['beta'] === 'true' || (request.get('anthropic-beta') ?? '') !== '';
}
