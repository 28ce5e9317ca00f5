import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Public } from '../auth/api-key.guard.js';
import { ServiceError } from '../domain/service-error.js';
import { PageFiles } from './page-files.js';
import { buildPage, type ConsolePage } from './page-html.js';

/** Serves the page and its files. They hold nothing of anybody, so they need no key; what the page shows, it asks the API for. */
@Controller('console')
@Public()
@ApiExcludeController()
export class ConsoleController {
  readonly #page: ConsolePage;

  constructor(private readonly files: PageFiles) {
    this.#page = buildPage(files.importMap);
  }

  @Get()
  page(@Res() response: Response): void {
    response
      .set({
        'content-security-policy': this.#page.contentSecurityPolicy,
        'cache-control': 'no-cache',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
      })
      .type('html')
      .send(this.#page.html);
  }

  @Get('assets/*path')
  async asset(
    @Param('path') path: string | readonly string[],
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const file = await this.files.find(typeof path === 'string' ? path : path.join('/'));
    if (file === undefined) throw new ServiceError('not_found', 'The console has no such file.');
    response.set({ etag: file.etag, 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' });
    if (request.get('if-none-match') === file.etag) response.status(304).end();
    else response.set('content-type', file.type).send(file.content);
  }
}
