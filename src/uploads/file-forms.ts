import type { StoredFile } from '../storage/stores/file.store.js';

/** A file in the form of Anthropic's Files API. */
export interface AnthropicFile {
  readonly type: 'file';
  readonly id: string;
  readonly filename: string;
  readonly mime_type: string;
  readonly size_bytes: number;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly downloadable: true;
}

/** A file in the form of OpenAI's Files API. */
export interface OpenAiFile {
  readonly object: 'file';
  readonly id: string;
  readonly filename: string;
  readonly bytes: number;
  /** Seconds since the epoch. */
  readonly created_at: number;
  readonly expires_at?: number;
  readonly purpose: string;
  readonly status: 'processed';
}

/** The purpose of a file whose client has named none. */
const ANY_PURPOSE = 'user_data';

export function toAnthropicFile(file: StoredFile): AnthropicFile {
  return {
    type: 'file',
    id: file.id,
    filename: file.name,
    mime_type: file.mediaType,
    size_bytes: file.size,
    created_at: new Date(file.createdAt).toISOString(),
    expires_at: file.expiresAt === undefined ? null : new Date(file.expiresAt).toISOString(),
    downloadable: true,
  };
}

export function toOpenAiFile(file: StoredFile): OpenAiFile {
  return {
    object: 'file',
    id: file.id,
    filename: file.name,
    bytes: file.size,
    created_at: Math.floor(file.createdAt / 1000),
    ...(file.expiresAt === undefined ? {} : { expires_at: Math.floor(file.expiresAt / 1000) }),
    purpose: file.purpose ?? ANY_PURPOSE,
    status: 'processed',
  };
}

/** A page of files in the form of the API that asks. Newer clients of Anthropic's read `next_page`, older ones the ids. [@anthropic-ai/sdk 0.65, 1.12] */
export function toFilePage(files: readonly StoredFile[], hasMore: boolean, isAnthropic: boolean): object {
  const [first, last] = [files[0]?.id ?? null, files.at(-1)?.id ?? null];
  const page = { has_more: hasMore, first_id: first, last_id: last };
  return isAnthropic
    ? { data: files.map(toAnthropicFile), ...page, next_page: hasMore ? last : null }
    : { object: 'list', data: files.map(toOpenAiFile), ...page };
}
