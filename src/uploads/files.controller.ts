import {
  All,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Post,
  Query,
  Req,
  Res,
  UseFilters,
} from '@nestjs/common';
import { ApiExcludeEndpoint } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { AnthropicException } from '../anthropic/anthropic.exception.js';
import { CurrentPrincipal, type Principal } from '../auth/principal.js';
import { AppConfig } from '../config/app-config.js';
import { fileTooLarge, UploadedFiles } from '../filestore/uploaded-files.js';
import type { Query as RequestQuery } from '../http/query-parameter.js';
import { sendBytes } from '../http/send-bytes.js';
import { speaksAnthropic } from '../http/speaks-anthropic.js';
import { methodNotServed } from '../openai/errors/openai.exception.js';
import { StoreClock } from '../storage/database/store-clock.js';
import type { StoredFile } from '../storage/stores/file.store.js';
import { toAnthropicFile, toFilePage, toOpenAiFile } from './file-forms.js';
import { FilesErrorFilter } from './files-error.filter.js';
import { parseAnthropicFileQuery, parseOpenAiFileQuery } from './file-query.js';
import { DeleteFileDocs, DownloadFileDocs, GetFileDocs, ListFilesDocs, UploadFileDocs } from './files.docs.js';
import { readFileFacts, readUploadFields } from './upload-fields.js';
import { readUploadForm } from './upload-form.js';

/** What a form has besides its file. */
const FORM_OVERHEAD = 1_000_000;

/** The Files API of Anthropic and of OpenAI: both name the same files. */
@Controller('v1/files')
@UseFilters(FilesErrorFilter)
export class FilesController {
  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    private readonly files: UploadedFiles,
    private readonly clock: StoreClock,
  ) {}

  @Post()
  @HttpCode(200)
  @UploadFileDocs()
  async upload(@CurrentPrincipal() { tenant }: Principal, @Req() request: Request): Promise<object> {
    const { fileLimitBytes } = this.config;
    if (Number(request.get('content-length') ?? 0) > fileLimitBytes + FORM_OVERHEAD) {
      request.resume();
      throw fileTooLarge(fileLimitBytes);
    }
    const { received, fields } = await readUploadForm(
      request,
      ({ body, ...file }) => this.files.receive({ tenant, ...readFileFacts(file) }, body),
      ({ id }) => this.files.discard(id),
    );
    return toForm(request, await this.complete(received, fields));
  }

  @Get()
  @ListFilesDocs()
  async list(
    @CurrentPrincipal() { tenant }: Principal,
    @Query() query: RequestQuery,
    @Req() request: Request,
  ): Promise<object> {
    const isAnthropic = speaksAnthropic(request);
    const { limit, ...asked } = isAnthropic ? parseAnthropicFileQuery(query) : parseOpenAiFileQuery(query);
    // One more than the page, to see whether there is another one.
    const found = await this.files.list(tenant, { ...asked, limit: limit + 1 });
    const page = asked.before === undefined ? found.slice(0, limit) : found.slice(-limit);
    return toFilePage(page, found.length > limit, isAnthropic);
  }

  @Get(':fileId')
  @GetFileDocs()
  async get(
    @CurrentPrincipal() { tenant }: Principal,
    @Param('fileId') id: string,
    @Req() request: Request,
  ): Promise<object> {
    return toForm(request, await this.files.find(tenant, id));
  }

  @Get(':fileId/content')
  @DownloadFileDocs()
  async download(
    @CurrentPrincipal() { tenant }: Principal,
    @Param('fileId') id: string,
    @Res() response: Response,
  ): Promise<void> {
    const file = await this.files.find(tenant, id);
    const body = response.req.method === 'HEAD' ? undefined : await this.files.open(file);
    await sendBytes(response, { ...file, modifiedMs: file.createdAt }, body);
  }

  @Delete(':fileId')
  @DeleteFileDocs()
  async delete(
    @CurrentPrincipal() { tenant }: Principal,
    @Param('fileId') id: string,
    @Req() request: Request,
  ): Promise<object> {
    await this.files.delete(tenant, id);
    return speaksAnthropic(request) ? { id, type: 'file_deleted' } : { id, object: 'file', deleted: true };
  }

  @All(['', ':fileId', ':fileId/content'])
  @ApiExcludeEndpoint()
  notAllowed(@Req() request: Request): never {
    if (!speaksAnthropic(request)) throw methodNotServed();
    throw new AnthropicException('invalid_request_error', 'This method is not allowed here.', { status: 405 });
  }

  private async complete(
    received: { readonly id: string; readonly size: number },
    fields: ReadonlyMap<string, string>,
  ): Promise<StoredFile> {
    try {
      return await this.files.complete(received, readUploadFields(fields, this.clock.now()));
    } catch (error) {
      await this.files.discard(received.id);
      throw error;
    }
  }
}

function toForm(request: Request, file: StoredFile): object {
  return speaksAnthropic(request) ? toAnthropicFile(file) : toOpenAiFile(file);
}
