import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import supertest from 'supertest';
import { Database } from '../../../src/storage/database/database.js';
import { startTestApp, type TestApp, type TestSettings } from '../../support/test-app.js';

type Headers = Readonly<Record<string, string>>;

const KEYS = { one: 'key-one-is-long-enough-for-chiron', two: 'key-two-is-long-enough-for-chiron' };
const apiKeys = Object.entries(KEYS).map(([name, key]) => ({
  name,
  sha256: createHash('sha256').update(key).digest(),
}));

/** The headers of a client of Anthropic's API. */
export const ANTHROPIC = { 'x-api-key': KEYS.one, 'anthropic-version': '2023-06-01' };

/** The headers of a client of OpenAI's API, of the same tenant. */
export const OPENAI = { authorization: `Bearer ${KEYS.one}` };

/** The headers of a client of OpenAI's API, of another tenant. */
export const OTHER = { authorization: `Bearer ${KEYS.two}` };

/** A file in the form of either API. */
export interface AnyFile {
  readonly id: string;
}

/** A page of files in the form of either API. */
export interface Page {
  readonly data: readonly AnyFile[];
  readonly has_more: boolean;
  readonly next_page?: string | null;
  readonly first_id: string;
  readonly last_id: string;
}

/** Starts a server with the keys of two tenants. */
export function startWithKeys(settings: TestSettings = {}): Promise<TestApp> {
  return startTestApp({ apiKeys, ...settings });
}

/** The folder with the bytes of files. */
export const bytesFolder = ({ dataDirectory }: TestApp): string => join(dataDirectory, 'files');

/** What is on the disk of all files. */
export function onDisk(app: TestApp): readonly string[] {
  return existsSync(bytesFolder(app)) ? readdirSync(bytesFolder(app)) : [];
}

/** The rows of all files: id and state. */
export async function rows(app: TestApp): Promise<readonly string[]> {
  const files = await app.app.get(Database).kysely.selectFrom('files').select(['id', 'state']).execute();
  return files.map(({ id, state }) => `${id} ${state}`);
}

/** Uploads a file, and resolves with its id. */
export async function uploadTo(
  { url }: TestApp,
  content: Buffer | string,
  name = 'notes.txt',
  headers: Headers = OPENAI,
): Promise<string> {
  const request = supertest(url).post('/v1/files').set(headers).attach('file', Buffer.from(content), name);
  const { body } = await request.expect(200);
  return (body as AnyFile).id;
}

/** Sends a GET. */
export const getFrom = ({ url }: TestApp, path: string, headers: Headers = OPENAI): supertest.Test =>
  supertest(url).get(path).set(headers);
