import { Controller, Get, HttpCode, Inject, Param, Put, Query, Req, Res, UseFilters } from '@nestjs/common';
import type { Request, Response } from 'express';
import { contentType } from 'mime-types';
import { CurrentPrincipal, type Principal, requirePolicies } from '../auth/principal.js';
import { AppConfig } from '../config/app-config.js';
import { ServiceError } from '../domain/service-error.js';
import type { Query as RequestQuery } from '../http/query-parameter.js';
import { noteThread } from '../http/request-facts.js';
import { sendBytes } from '../http/send-bytes.js';
import { type WorkspaceEntry, WorkspaceFiles } from '../turns/workspace/workspace-files.js';
import { parseWorkspacePath, parseWorkspaceQuery, toWorkspaceCursor } from './dto/workspace-path.js';
import { SessionErrorFilter } from './session-error.filter.js';
import { SessionService } from './session.service.js';
import { ThreadKeyPipe } from './thread-key.pipe.js';
import { DownloadWorkspaceDocs, ListWorkspaceDocs, PutWorkspaceDocs } from './workspace.docs.js';

/** The files in the workspaces of sessions. */
@Controller('api/session/:threadKey/files')
@UseFilters(SessionErrorFilter)
export class WorkspaceController {
  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    private readonly sessions: SessionService,
    private readonly workspaces: WorkspaceFiles,
  ) {}

  @Get()
  @ListWorkspaceDocs()
  async list(
    @CurrentPrincipal() { tenant }: Principal,
    @Param('threadKey', ThreadKeyPipe) key: string,
    @Query() query: RequestQuery,
    @Req() request: Request,
  ): Promise<object> {
    const listing = parseWorkspaceQuery(query);
    const thread = noteThread(request, await this.sessions.thread(tenant, key));
    const found = await this.workspaces.list(thread, listing);
    const page = found.slice(0, listing.limit);
    const last = found.length > listing.limit ? page.at(-1) : undefined;
    const next = last === undefined ? null : toWorkspaceCursor(last.path, listing.path);
    return { ok: true, files: page.map(toView), next_cursor: next };
  }

  /** Sends a file, or a folder as an archive. */
  @Get('*path')
  @DownloadWorkspaceDocs()
  async download(
    @CurrentPrincipal() { tenant }: Principal,
    @Param('threadKey', ThreadKeyPipe) key: string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const path = readPath(request);
    const thread = noteThread(request, await this.sessions.thread(tenant, key));
    const { type, size, modifiedMs, body } = await this.workspaces.read(thread, path, request.method !== 'HEAD');
    const base = path.slice(path.lastIndexOf('/') + 1);
    const isFolder = type === 'folder';
    const mediaType = isFolder ? 'application/x-tar' : contentType(base);
    await sendBytes(
      response,
      {
        name: isFolder ? `${base === '' ? 'workspace' : base}.tar` : base,
        mediaType: mediaType === false ? 'application/octet-stream' : mediaType,
        size,
        modifiedMs,
      },
      body,
    );
  }

  /** Writes a file. */
  @Put('*path')
  @HttpCode(200)
  @PutWorkspaceDocs()
  async put(
    @CurrentPrincipal() principal: Principal,
    @Param('threadKey', ThreadKeyPipe) key: string,
    @Req() request: Request,
  ): Promise<object> {
    try {
      const path = readPath(request);
      if (path === '') throw new ServiceError('bad_request', 'path: must name a file');
      if ((request.get('content-encoding') ?? 'identity') !== 'identity')
        throw new ServiceError('unsupported_media_type', 'content-encoding must be absent');
      if (Number(request.get('content-length') ?? 0) > this.config.fileLimitBytes)
        throw new ServiceError(
          'too_large',
          `File too large: the limit is ${this.config.fileLimitBytes / 1_000_000} MB.`,
        );
      const thread = noteThread(request, await this.sessions.thread(principal.tenant, key));
      return {
        ok: true,
        ...toView(await this.workspaces.write(thread, path, arriving(request), requirePolicies(principal))),
      };
    } catch (error) {
      // The rest is dropped: a caller that is still sending would not read the answer.
      request.resume();
      throw error;
    }
  }
}

/** The parts of the path as Express decodes them, each by itself. */
function readPath({ params }: Request): string {
  const path: unknown = params['path'];
  return parseWorkspacePath([path].flat().map(String));
}

/** The body of a request, which stays open for the answer when it is not read to its end. */
async function* arriving(request: Request): AsyncGenerator<Uint8Array> {
  try {
    for await (const bytes of request.iterator({ destroyOnReturn: false })) yield bytes as Uint8Array;
  } catch {
    throw new ServiceError('bad_request', 'the request ended before its body');
  }
}

function toView({ path, type, size, modifiedMs }: WorkspaceEntry): object {
  return { path, type, size, modified_at: new Date(modifiedMs).toISOString() };
}
