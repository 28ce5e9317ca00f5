import { Controller, Get, Header, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ServiceError } from '../domain/service-error.js';
import { ModelCatalog } from '../harness/models/model-catalog.js';
import { type Query as RequestQuery, readQueryParameter } from '../http/query-parameter.js';
import { toCodexCatalog, type CodexModel } from './codex-catalog.js';
import { renderCodexConfig, renderSetup } from './codex-config.js';
import { CodexConfigDocs, CodexModelsDocs } from './codex-config.docs.js';

/** What a user of Codex needs to have Chiron as the provider of its model. */
@Controller('codex')
export class CodexConfigController {
  constructor(private readonly catalog: ModelCatalog) {}

  /** Returns a shell script that writes both files into Codex's home, or with `file=config.toml` only that file. */
  @Get('config')
  @Header('cache-control', 'no-store')
  @CodexConfigDocs()
  config(@Req() request: Request, @Query() query: RequestQuery, @Res() response: Response): void {
    const models = this.catalog.list();
    const model = readQueryParameter(query, 'model') ?? models[0]?.id ?? 'chiron';
    if (!/^[\w./:@+-]{1,200}$/.test(model)) throw new ServiceError('bad_request', 'model: must be the name of a model');
    const options = { url: toOwnAddress(request), model };
    const file = readQueryParameter(query, 'file');
    if (file === 'config.toml') {
      response.type('application/toml').send(renderCodexConfig(options));
      return;
    }
    if (file !== undefined) throw new ServiceError('bad_request', 'file: must be config.toml, or absent for a script');
    response.type('text/x-shellscript').send(renderSetup(options, toCodexCatalog(models)));
  }

  /** Returns the models as Codex's catalogue, for `model_catalog_json`. */
  @Get('models.json')
  @CodexModelsDocs()
  models(): { readonly models: readonly CodexModel[] } {
    return toCodexCatalog(this.catalog.list());
  }
}

/** The address of this server as the caller reached it. Behind a proxy that ends TLS, only its header knows of that. */
function toOwnAddress(request: Request): string {
  const host = request.get('host') ?? '';
  if (!/^[\w.:[\]-]{1,255}$/.test(host)) throw new ServiceError('bad_request', 'host: must be the name of this server');
  const isSecure = request.secure || request.get('x-forwarded-proto') === 'https';
  return `${isSecure ? 'https' : 'http'}://${host}`;
}
