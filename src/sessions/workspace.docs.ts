import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiParam, ApiQuery } from '@nestjs/swagger';
import { JsonResponseDocs } from '../openapi/operation.js';
import { FileBytesDocs } from '../openapi/common.docs.js';
import {
  always,
  BOOLEAN,
  INTEGER,
  list,
  nullable,
  object,
  oneOfTexts,
  ref,
  type Schema,
  TEXT,
  TIME,
} from '../openapi/schema.js';
import { MAX_ENTRIES_PAGE } from './dto/workspace-path.js';
import { SessionDocs, SessionErrorDocs } from './route.docs.js';

const ENTRY = { path: 'src/report.md', type: 'file', size: 1280, modified_at: '2026-06-23T18:16:29.871Z' };
const FIELDS = { path: TEXT, type: oneOfTexts('file', 'folder', 'link'), size: INTEGER, modified_at: TIME };

/** The component schemas of workspaces. */
export const WORKSPACE_SCHEMAS: Readonly<Record<string, Schema>> = {
  WorkspaceEntry: object(FIELDS),
  WorkspaceFile: object({ ok: always(true), ...FIELDS }),
  WorkspacePage: object({ ok: always(true), files: list(ref('WorkspaceEntry')), next_cursor: nullable(TEXT) }),
};

/** `GET /api/session/{key}/files` in the OpenAPI document. */
export function ListWorkspaceDocs(): MethodDecorator {
  return applyDecorators(
    SessionDocs({ id: 'listWorkspace', summary: 'List the files in the workspace of a session', errors: [404] }),
    ApiQuery({
      name: 'path',
      required: false,
      description: 'A folder of the workspace; the workspace itself by default.',
      schema: { ...TEXT, examples: ['src'] },
    }),
    ApiQuery({
      name: 'recursive',
      required: false,
      description: 'Whether what is in its folders is listed, too.',
      schema: { ...BOOLEAN, default: true, examples: [false] },
    }),
    ApiQuery({
      name: 'limit',
      required: false,
      description: 'The length of the page.',
      schema: { type: 'integer', minimum: 1, maximum: MAX_ENTRIES_PAGE, default: 100 },
    }),
    ApiQuery({
      name: 'cursor',
      required: false,
      description: '`next_cursor` of the page before.',
      schema: { ...TEXT, examples: ['c3Jj'] },
    }),
    JsonResponseDocs({
      description: 'A page of entries, sorted by their names, each folder before what is in it.',
      schema: ref('WorkspacePage'),
      example: { ok: true, files: [ENTRY], next_cursor: null },
    }),
  );
}

function PathDocs(): MethodDecorator {
  return ApiParam({
    name: 'path',
    description: 'A path in the workspace, with its slashes; each name is percent-encoded.',
    schema: { ...TEXT, examples: [ENTRY.path] },
  });
}

/** `GET /api/session/{key}/files/{path}` in the OpenAPI document. */
export function DownloadWorkspaceDocs(): MethodDecorator {
  return applyDecorators(
    SessionDocs({
      id: 'downloadWorkspaceFile',
      summary: 'Download a file of the workspace, or a folder as a tar archive',
      errors: [404, 413],
    }),
    PathDocs(),
    FileBytesDocs('The bytes of the file, with the type that its name has, or a tar archive.'),
  );
}

/** `PUT /api/session/{key}/files/{path}` in the OpenAPI document. */
export function PutWorkspaceDocs(): MethodDecorator {
  return applyDecorators(
    SessionDocs({
      id: 'putWorkspaceFile',
      summary: 'Write a file into the workspace',
      description: 'Makes its folders. The agent has the old file or the new one, never a part.',
      errors: [404, 413, 415],
    }),
    SessionErrorDocs(409, 'A folder or a link is in the way.', { error: 'src is no file' }),
    PathDocs(),
    ApiConsumes('application/octet-stream'),
    ApiBody({ required: true, schema: { type: 'string', format: 'binary' } }),
    JsonResponseDocs({
      description: 'The file.',
      schema: ref('WorkspaceFile'),
      example: { ok: true, ...ENTRY },
    }),
  );
}
