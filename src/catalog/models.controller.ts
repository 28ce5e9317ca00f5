import { All, Controller, Get, Param, Query, Req } from '@nestjs/common';
import { ApiExcludeEndpoint } from '@nestjs/swagger';
import type { Request } from 'express';
import { ModelCatalog } from '../harness/models/model-catalog.js';
import { AnthropicException } from '../anthropic/anthropic.exception.js';
import { methodNotAllowed } from '../anthropic/method-not-allowed.js';
import { quoteForCaller } from '../domain/service-error.js';
import { speaksAnthropic } from '../http/speaks-anthropic.js';
import { type ModelInfo, toModelInfo } from './to-model-info.js';
import { toCodexCatalog } from './codex-catalog.js';
import { toSharedModel, toSharedPage } from './to-openai-models.js';
import { paginate, parsePageQuery, includesActive } from './model-page.js';
import { ListModelsDocs, GetModelDocs } from './models.docs.js';

/** The Models API of Anthropic and of OpenAI: the names that requests can use as `model`. */
@Controller('v1/models')
export class ModelsController {
  constructor(private readonly catalog: ModelCatalog) {}

  /** Returns a page of models, with the fields of both APIs unless the caller says which one it speaks; to Codex, its catalogue. */
  @Get()
  @ListModelsDocs()
  list(@Query() query: Readonly<Record<string, unknown>>, @Req() request: Request): object {
    const models = includesActive(query) ? this.catalog.list() : [];
    // With a login of ChatGPT, Codex asks so. [Codex 0.169.0]
    if (query['client_version'] !== undefined) return toCodexCatalog(models);
    const page = paginate(models.map(toModelInfo), parsePageQuery(query));
    return speaksAnthropic(request) ? page : toSharedPage(page);
  }

  /** Returns one model. The SDKs percent-encode slashes in its name. */
  @Get(':id')
  @GetModelDocs()
  retrieve(@Param('id') id: string, @Req() request: Request): ModelInfo {
    const model = this.catalog.find(id);
    if (model === undefined) throw new AnthropicException('not_found_error', `model: ${quoteForCaller(id)}`);
    const info = toModelInfo(model);
    return speaksAnthropic(request) ? info : toSharedModel(info);
  }

  @All(['', ':id'])
  @ApiExcludeEndpoint()
  notAllowed(): never {
    throw methodNotAllowed('GET');
  }
}
