import { createHash } from 'node:crypto';
import { chmod, mkdir, open, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { JsonObject } from '../../../../domain/harness-event.ts';
import { asObject, asString, parseObject } from '../../../../domain/json.ts';
import type { JsonPath } from '../../../protocol.ts';
import { readPath } from './login-fields.ts';

/** Where a login is kept. */
export interface LoginPlace {
  /** The deployment's own file. */
  readonly file: string;
  /** Takes a renewed login where the deployment's file cannot be written, as a mounted secret cannot. */
  readonly spare: string;
  /** Where the refresh token is in it, by which the two are told apart; absent for a login that is never renewed. */
  readonly refreshToken?: JsonPath;
}

/**
 * Reads a login: the deployment's file, or what a renewal has made of it since.
 *
 * @throws if the file cannot be read or is no JSON object
 */
export async function readLogin({ file, spare, refreshToken }: LoginPlace): Promise<JsonObject> {
  const login = parseObject(await readFile(file, 'utf8'));
  if (login === undefined) throw new Error('the file of a login must be a JSON object');
  if (refreshToken === undefined) return login;
  const renewed = parseObject(await readFile(spare, 'utf8').catch(() => '')) ?? {};
  return renewed['from'] === digestOf(login, refreshToken) ? asObject(renewed['login']) : login;
}

/**
 * Writes a renewed login, so that a crash leaves the old or the new one. Its file keeps its mode and its owner. Resolves with whether the deployment's file
 * has it; if not, the spare one has.
 *
 * @throws if neither can be written
 */
export async function writeLogin(place: LoginPlace, login: JsonObject): Promise<boolean> {
  const { file, spare, refreshToken = [] } = place;
  try {
    await replaceFile(await realpath(file), format(login));
    await rm(spare, { force: true });
    return true;
  } catch {
    const original = parseObject(await readFile(file, 'utf8')) ?? {};
    await mkdir(dirname(spare), { recursive: true, mode: 0o700 });
    const made = `${spare}.new`;
    await writeFile(made, format({ from: digestOf(original, refreshToken), login }), { mode: 0o600 });
    await rename(made, spare);
    return false;
  }
}

async function replaceFile(file: string, text: string): Promise<void> {
  const { mode, uid, gid } = await stat(file);
  const made = `${file}.chiron-${process.pid}`;
  const handle = await open(made, 'wx', 0o600);
  try {
    await handle.chown(uid, gid);
    await handle.writeFile(text);
    await handle.sync();
    await handle.close();
    await chmod(made, mode & 0o777);
    await rename(made, file);
  } catch (error) {
    await handle.close();
    await rm(made, { force: true });
    throw error;
  }
}

function format(value: JsonObject): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Which login of the deployment a renewed one came from: a new login of its operator ends it. */
function digestOf(login: JsonObject, refreshToken: JsonPath): string {
  return createHash('sha256')
    .update(asString(readPath(login, refreshToken)) ?? '')
    .digest('hex');
}
