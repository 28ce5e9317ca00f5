import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FuzzCase, FuzzRequest, RawExchange } from './request.js';

/** Longest command that is shown, and longest bytes inside of one; longer ones go to files. */
const SHOWN = 2500;
const SHOWN_IN_BASE64 = 600;

/** A shell command that sends a case again, to the server at `$CHIRON` (`http://127.0.0.1:8787`). */
export function command(shown: FuzzCase, seed: number): string {
  const whole = shown.type === 'raw' ? rawCommand(shown, seed) : curlCommand(shown, seed);
  if (whole.length <= SHOWN) return whole;
  const file = join(tmpdir(), `chiron-fuzz-${seed}-${shown.number}.sh`);
  writeFileSync(file, `${whole}\n`);
  return `bash ${file}`;
}

function curlCommand({ number, method, target, headers, body, framing }: FuzzRequest, seed: number): string {
  const isPath = target.startsWith('/');
  const url = isPath ? `"$CHIRON"${quoted(target)}` : `"$CHIRON" --request-target ${quoted(target)}`;
  const options = [
    ...(method === 'HEAD' ? ['--head'] : [`-X ${method}`]),
    '-i --path-as-is --globoff --http1.1',
    ...headers.map(([name, value]) => `-H ${quoted(value.trim() === '' ? `${name};` : `${name}: ${value}`)}`),
    // What curl would add by itself.
    ...['accept', 'user-agent', ...(body === undefined ? [] : ['content-type', 'expect'])]
      .filter((name) => !headers.some(([each]) => each.toLowerCase() === name))
      .map((name) => `-H '${name}:'`),
    ...(framing === 'chunked' ? [`-H 'transfer-encoding: chunked'`] : []),
  ];
  if (body === undefined) return `curl ${options.join(' ')} ${url}`;
  const text = body.toString('utf8');
  const isText = body.length <= SHOWN && /^[\u0020-\u007e]*$/.test(text) && !text.startsWith('@');
  if (isText) return `curl ${options.join(' ')} --data-binary ${quoted(text)} ${url}`;
  return `${bytesCommand(body, seed, number)} | curl ${options.join(' ')} --data-binary @- ${url}`;
}

function rawCommand({ writes, number }: RawExchange, seed: number): string {
  const commands = writes.map((bytes) => bytesCommand(bytes, seed, number));
  const sent = commands.length === 1 ? commands.join('') : `(${commands.join('; sleep 0.02; ')})`;
  return `${sent} | nc 127.0.0.1 8787`;
}

function bytesCommand(bytes: Buffer, seed: number, number: number): string {
  if (bytes.length <= SHOWN_IN_BASE64) return `echo ${bytes.toString('base64')} | base64 -d`;
  const file = join(tmpdir(), `chiron-fuzz-${seed}-${number}-${bytes.length}.bin`);
  writeFileSync(file, bytes);
  return `cat ${file}`;
}

/** A text as one word of a shell that knows `$'…'`, bytes beyond ASCII escaped. */
function quoted(latin1: string): string {
  if (/^[\u0020-\u007e]*$/.test(latin1) && !latin1.includes("'")) return `'${latin1}'`;
  const escaped = [...Buffer.from(latin1, 'latin1')].map((byte) =>
    byte >= 0x20 && byte < 0x7f && byte !== 0x27 && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, '0')}`,
  );
  return `$'${escaped.join('')}'`;
}
