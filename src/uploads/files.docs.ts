import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiParam, ApiQuery } from '@nestjs/swagger';
import { ErrorDocs, type ErrorStatus } from '../anthropic/error.docs.js';
import { JsonResponseDocs, OperationDocs } from '../openapi/operation.js';
import { FileBytesDocs } from '../openapi/common.docs.js';
import {
  BOOLEAN,
  described,
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
import { toAnthropicFile, toFilePage } from './file-forms.js';
import { MAX_FILE_PAGE } from './file-query.js';

const STORED = {
  id: 'file_0190b6c2a4f80123456789abcdef0123',
  tenant: 'local',
  name: 'report.pdf',
  mediaType: 'application/pdf',
  purpose: undefined,
  size: 48_213,
  place: 'folder',
  createdAt: Date.UTC(2027, 0, 31, 12),
  expiresAt: undefined,
} as const;

const FORMS =
  'Callers with the header `anthropic-version` or `x-api-key` get the form of Anthropic’s Files API, all others that of OpenAI’s; so do errors.';

/** The component schemas of the Files API. The fields of both APIs are optional beside those that they have in common. */
export const FILE_SCHEMAS: Readonly<Record<string, Schema>> = {
  File: object(
    {
      id: TEXT,
      filename: TEXT,
      created_at: { anyOf: [TIME, described('Seconds since the epoch, in OpenAI’s form.', INTEGER)] },
    },
    {
      type: oneOfTexts('file'),
      mime_type: TEXT,
      size_bytes: INTEGER,
      downloadable: BOOLEAN,
      object: oneOfTexts('file'),
      bytes: INTEGER,
      purpose: TEXT,
      status: oneOfTexts('processed'),
      expires_at: { anyOf: [nullable(TIME), INTEGER] },
    },
  ),
};

function FileDocs(options: {
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  readonly hasId?: boolean;
  readonly errors: readonly ErrorStatus[];
}): MethodDecorator {
  const { hasId = false, errors, description, ...operation } = options;
  const text = description === undefined ? FORMS : `${description} ${FORMS}`;
  return applyDecorators(
    OperationDocs({ tag: 'Files', ...operation, description: text }),
    ...(hasId
      ? [ApiParam({ name: 'fileId', description: 'The id of a file.', schema: { ...TEXT, examples: [STORED.id] } })]
      : []),
    ErrorDocs(errors, {}, { anyOf: [ref('ErrorResponse'), ref('OpenaiError')] }),
  );
}

/** `POST /v1/files` in the OpenAPI document. */
export function UploadFileDocs(): MethodDecorator {
  return applyDecorators(
    FileDocs({
      id: 'uploadFile',
      summary: 'Upload a file',
      description: 'Messages can name it by its id. It is kept until it is deleted or expires.',
      errors: [400, 413, 415, 529],
    }),
    ApiConsumes('multipart/form-data'),
    ApiBody({
      required: true,
      schema: object(
        { file: { type: 'string', format: 'binary' } },
        {
          purpose: described('What an OpenAI client says that the file is for.', TEXT),
          expires_in_seconds: described('From an hour to ninety days.', INTEGER),
          'expires_after[anchor]': oneOfTexts('created_at'),
          'expires_after[seconds]': described('The same as `expires_in_seconds`.', INTEGER),
        },
      ),
    }),
    JsonResponseDocs({ description: 'The file.', schema: ref('File'), example: toAnthropicFile(STORED) }),
  );
}

/** `GET /v1/files` in the OpenAPI document. */
export function ListFilesDocs(): MethodDecorator {
  const cursor = { ...TEXT, examples: [STORED.id] };
  return applyDecorators(
    FileDocs({ id: 'listFiles', summary: 'List your files, the newest first', errors: [400] }),
    ApiQuery({
      name: 'limit',
      required: false,
      description: 'The length of the page.',
      schema: { type: 'integer', minimum: 1, maximum: MAX_FILE_PAGE, default: 20 },
    }),
    ApiQuery({ name: 'after_id', required: false, description: 'The page that follows this file.', schema: cursor }),
    ApiQuery({ name: 'before_id', required: false, description: 'The page before this file.', schema: cursor }),
    ApiQuery({ name: 'page', required: false, description: '`next_page` of the page before.', schema: cursor }),
    ApiQuery({
      name: 'after',
      required: false,
      description: 'In OpenAI’s form: the page that follows this file.',
      schema: cursor,
    }),
    ApiQuery({
      name: 'order',
      required: false,
      description: 'In OpenAI’s form: by the time of the upload.',
      schema: { ...oneOfTexts('asc', 'desc'), examples: ['desc'] },
    }),
    ApiQuery({
      name: 'purpose',
      required: false,
      description: 'In OpenAI’s form: only files with this purpose.',
      schema: { ...TEXT, examples: ['user_data'] },
    }),
    JsonResponseDocs({
      description: 'A page of files.',
      schema: object(
        { data: list(ref('File')), has_more: BOOLEAN, first_id: nullable(TEXT), last_id: nullable(TEXT) },
        { object: oneOfTexts('list'), next_page: nullable(TEXT) },
      ),
      example: toFilePage([STORED], false, true),
    }),
  );
}

/** `GET /v1/files/{id}` in the OpenAPI document. */
export function GetFileDocs(): MethodDecorator {
  return applyDecorators(
    FileDocs({ id: 'getFile', summary: 'Get what is known of a file', hasId: true, errors: [404] }),
    JsonResponseDocs({ description: 'The file.', schema: ref('File'), example: toAnthropicFile(STORED) }),
  );
}

/** `GET /v1/files/{id}/content` in the OpenAPI document. */
export function DownloadFileDocs(): MethodDecorator {
  return applyDecorators(
    FileDocs({ id: 'downloadFile', summary: 'Download a file', hasId: true, errors: [404] }),
    FileBytesDocs('Its bytes, with its type as `content-type`.'),
  );
}

/** `DELETE /v1/files/{id}` in the OpenAPI document. */
export function DeleteFileDocs(): MethodDecorator {
  return applyDecorators(
    FileDocs({
      id: 'deleteFile',
      summary: 'Delete a file',
      description: 'A turn that was accepted with it still gets it.',
      hasId: true,
      errors: [404],
    }),
    JsonResponseDocs({
      description: 'It was deleted.',
      schema: object({ id: TEXT }, { type: oneOfTexts('file_deleted'), object: oneOfTexts('file'), deleted: BOOLEAN }),
      example: { id: STORED.id, type: 'file_deleted' },
    }),
  );
}
