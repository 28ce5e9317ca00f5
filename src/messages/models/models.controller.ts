import { All, Controller, Get, Param, Query } from '@nestjs/common';
import { ApiExcludeEndpoint } from '@nestjs/swagger';
import { ModelCatalog } from '../../harness/models/model-catalog.js';
import { AnthropicException } from '../../anthropic/anthropic.exception.js';
import { methodNotAllowed } from '../method-not-allowed.js';
import { quoteForCaller } from '../../domain/service-error.js';
import { type ModelInfo, toModelInfo } from './to-model-info.js';
import { type Page, paginate, parsePageQuery, includesActive } from './model-page.js';
import { ListModelsDocs, GetModelDocs } from './models.docs.js';

/** Anthropic's Models API: the names that requests can use as `model`. */
@Controller('v1/models')
export class ModelsController {
  constructor(private readonly catalog: ModelCatalog) {}

  /** Returns a page of models. */
  @Get()
  @ListModelsDocs()
  list(@Query() query: Readonly<Record<string, unknown>>): Page<ModelInfo> {
    const models = includesActive(query) ? this.catalog.list() : [];
    return paginate(models.map(toModelInfo), parsePageQuery(query));
  }

  /** Returns one model. The SDKs percent-encode slashes in its name. */
  @Get(':id')
  @GetModelDocs()
  retrieve(@Param('id') id: string): ModelInfo {
    const model = this.catalog.find(id);
    if (model === undefined) throw new AnthropicException('not_found_error', `model: ${quoteForCaller(id)}`);
    return toModelInfo(model);
  }

  @All(['', ':id'])
  @ApiExcludeEndpoint()
  notAllowed(): never {
    throw methodNotAllowed('GET');
  }
}
