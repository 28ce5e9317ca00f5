import type { RunningServer } from '../../support/running-server.js';
import { isRecord, type JsonRecord, recordsOf } from './json.js';

/** The turns of a thread, newest first, as the session API returns them; none for an unknown thread. */
export async function turnsOf(
  { url }: Pick<RunningServer, 'url'>,
  key: string,
  apiKey = 'any',
): Promise<readonly JsonRecord[]> {
  const headers = { 'x-api-key': apiKey };
  const body: unknown = await (await fetch(`${url}/api/session/${encodeURIComponent(key)}`, { headers })).json();
  return isRecord(body) ? recordsOf(body['turns']) : [];
}
