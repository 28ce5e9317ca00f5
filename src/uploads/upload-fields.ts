import { extension, lookup } from 'mime-types';
import { toFileName } from '../domain/file-name.js';
import { ServiceError } from '../domain/service-error.js';
import type { CompletedFile, NewFile } from '../storage/stores/file.store.js';
import type { FormFile } from './upload-form.js';

/** An hour, and ninety days. */
const MIN_LIFE_SECONDS = 3600;
const MAX_LIFE_SECONDS = 7_776_000;

const ANY_TYPE = 'application/octet-stream';
const MEDIA_TYPE = /^[a-z0-9][\w.+-]{0,63}\/[a-z0-9][\w.+-]{0,63}$/;

/** Reads the name and the type of an uploaded file. What has no type of its own, as with curl, has that of its name. */
export function readFileFacts({
  name,
  mediaType,
}: Pick<FormFile, 'name' | 'mediaType'>): Pick<NewFile, 'name' | 'mediaType'> {
  const given = mediaType.toLowerCase();
  const isKnown = MEDIA_TYPE.test(given) && given !== ANY_TYPE;
  const byName = name === undefined ? false : lookup(name);
  const type = isKnown ? given : byName === false ? ANY_TYPE : byName;
  const known = type === ANY_TYPE ? false : extension(type);
  return { name: toFileName(name, known === false ? '' : `.${known}`), mediaType: type };
}

/**
 * Reads the other fields of an upload: `purpose` and `expires_after` of OpenAI's API, `expires_in_seconds` of Anthropic's. Others are ignored.
 *
 * @throws ServiceError (`bad_request`)
 */
export function readUploadFields(
  fields: ReadonlyMap<string, string>,
  nowMs: number,
): Pick<CompletedFile, 'purpose' | 'expiresAt'> {
  const purpose = fields.get('purpose');
  if (purpose !== undefined && !/^[\w-]{1,64}$/.test(purpose))
    throw new ServiceError('bad_request', 'purpose: must be a word such as user_data');
  const anchor = fields.get('expires_after[anchor]');
  if (anchor !== undefined && anchor !== 'created_at')
    throw new ServiceError('bad_request', 'expires_after.anchor: must be created_at');
  const seconds =
    readSeconds(fields, 'expires_in_seconds') ?? readSeconds(fields, 'expires_after[seconds]') ?? undefined;
  return { purpose, expiresAt: seconds === undefined ? undefined : nowMs + seconds * 1000 };
}

function readSeconds(fields: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = fields.get(name);
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (!/^\d{1,9}$/.test(text) || seconds < MIN_LIFE_SECONDS || seconds > MAX_LIFE_SECONDS)
    throw new ServiceError(
      'bad_request',
      `${name}: must be an integer from ${MIN_LIFE_SECONDS} to ${MAX_LIFE_SECONDS}`,
    );
  return seconds;
}
