import { MARKER } from './draw-case.js';
import type { Finding } from './judge.js';
import { property } from './reading.js';

/** The pino level from which a line reports an internal error. */
const ERROR_LEVEL = 50;
/** What operators are to hear of at that level, and the demo agent is asked for: its account was refused. */
const MEANT_ERROR = 'the model provider refused the account of the agent';
/** Memory that a server may hold more after the second half of a run than after the first: caches, and pages not given back. */
const GROWTH = 96 * 1024 * 1024;
/** Memory that a server may hold in any case: after 100,000 requests it is 300 to 360 MB, of which large messages leave the most. */
const USUAL = 512 * 1024 * 1024;

/** Finds violations in a server's output: internal errors, keys or prompts. */
export function logFindings(output: string, secrets: readonly string[]): readonly Finding[] {
  const markers = new RegExp(MARKER.source);
  return output.split('\n').flatMap((line) => {
    const entry = entryOf(line);
    const rules = [
      ...(Number(property(entry, 'level')) >= ERROR_LEVEL && property(entry, 'msg') !== MEANT_ERROR
        ? ['an error in the log']
        : []),
      ...(entry === undefined && /^\s+at |Error: /.test(line) ? ['a stack in the log'] : []),
      ...(markers.test(line) ? ['a prompt in the log'] : []),
      // Where its data is a server tells its operator.
      ...(secrets.some((secret) => secret.startsWith('sk-') && line.includes(secret)) ? ['a key in the log'] : []),
    ];
    return rules.map((rule) => ({ rule, text: line.slice(0, 1500), shown: undefined }));
  });
}

/** Finds a leak from the server's memory after half of a run and after all of it, in bytes. */
export function memoryFindings(half: number | undefined, whole: number | undefined): readonly Finding[] {
  if (half === undefined || whole === undefined || whole - half <= GROWTH || whole <= USUAL) return [];
  const text = `${megabytes(half)} after half of the requests, ${megabytes(whole)} after all of them`;
  return [{ rule: 'memory', text, shown: undefined }];
}

/** Bytes to be read by people. */
export function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? 'not known here' : `${Math.round(bytes / 1024 / 1024)} MB`;
}

function entryOf(line: string): unknown {
  if (!line.startsWith('{')) return undefined;
  try {
    const entry: unknown = JSON.parse(line);
    return entry;
  } catch {
    // Half a line of a server that ended.
    return undefined;
  }
}
