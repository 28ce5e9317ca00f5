import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { below, chance, type Random, randomBytes, weighted } from '../draw.js';

/** A body as it is sent, and the headers that say how. */
export interface PackedBody {
  readonly body: Buffer;
  readonly encoding: string;
}

const FAST_BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };

const PACKERS = {
  gzip: (bytes: Buffer) => gzipSync(bytes, { level: 1 }),
  'x-gzip': (bytes: Buffer) => gzipSync(bytes, { level: 1 }),
  deflate: (bytes: Buffer) => deflateSync(bytes, { level: 1 }),
  br: (bytes: Buffer) => brotliCompressSync(bytes, FAST_BROTLI),
  zstd: (bytes: Buffer) => zstdCompressSync(bytes),
} as const;

const NAMES = Object.keys(PACKERS) as readonly (keyof typeof PACKERS)[];

/** A body that is packed as it says. */
export function packed(random: Random, plain: Buffer): PackedBody {
  const name = random.pick(NAMES);
  const encoding = random.pick([name, name, name.toUpperCase(), ` ${name}`]);
  return { body: PACKERS[name](plain), encoding };
}

/** A body that is not packed as it says, or in a way that nobody speaks. */
export function wronglyPacked(random: Random, plain: Buffer): PackedBody {
  const name = random.pick(NAMES);
  const body = PACKERS[name](plain);
  return weighted<() => PackedBody>(random, [
    [3, () => ({ body: body.subarray(0, below(random, body.length)), encoding: name })],
    [2, () => ({ body, encoding: random.pick(NAMES) })],
    [2, () => ({ body: plain, encoding: name })],
    [2, () => ({ body: randomBytes(random, below(random, 600)), encoding: name })],
    [1, () => ({ body: Buffer.concat([body, randomBytes(random, 40)]), encoding: name })],
    [1, () => ({ body: Buffer.concat([body, body]), encoding: name })],
    [1, () => ({ body: PACKERS[name](body), encoding: name })],
    [1, () => ({ body: PACKERS[name](body), encoding: `${name}, ${name}` })],
    [1, () => ({ body, encoding: random.pick(['lzma', 'compress', '', ',', 'gzip;q=1', '__proto__', 'identity']) })],
    [1, () => ({ body: Buffer.alloc(0), encoding: name })],
    // A zstd frame whose header asks for a window of two gigabytes.
    [1, () => ({ body: Buffer.from('28b52ffd00a8010000', 'hex'), encoding: 'zstd' })],
  ])();
}

/** A few bytes that unpack to very many. */
export function bomb(random: Random): PackedBody {
  const name = random.pick(NAMES);
  return { body: bombOf(name), encoding: name };
}

const bombs = new Map<string, Buffer>();

/** Each is made once: 128 MB take their time to pack. */
function bombOf(name: keyof typeof PACKERS): Buffer {
  const known = bombs.get(name);
  if (known !== undefined) return known;
  const made = PACKERS[name](Buffer.alloc(128 * 1024 * 1024, ' '));
  bombs.set(name, made);
  return made;
}

/** Text that was changed as a bad line would: cut off, bytes turned, parts twice, or put between other bytes. */
export function garbled(random: Random, text: Buffer): Buffer {
  const at = below(random, text.length + 1);
  const length = below(random, 1 + Math.min(200, text.length));
  return weighted<() => Buffer>(random, [
    [4, () => text.subarray(0, at)],
    [1, () => text.subarray(at)],
    [3, () => flipped(random, text)],
    [2, () => Buffer.concat([text.subarray(0, at), text.subarray(at + length)])],
    [2, () => Buffer.concat([text.subarray(0, at), randomBytes(random, 1 + below(random, 8)), text.subarray(at)])],
    [1, () => Buffer.concat([text, text.subarray(at)])],
    [1, () => Buffer.concat([Buffer.from('efbbbf', 'hex'), text])],
    [1, () => Buffer.concat([Buffer.from('fffe', 'hex'), Buffer.from(text.toString('utf8'), 'utf16le')])],
    [1, () => Buffer.from(text.toString('utf8'), 'utf16le')],
    [1, () => Buffer.from(text.toString('utf8').replaceAll('"', "'"))],
    [1, () => Buffer.concat([Buffer.from(' \n\t'), text, Buffer.from(random.pick([' ', ';', '\u0000', ',', '//']))])],
    [1, () => Buffer.from(text.toString('utf8').replaceAll(',', ',,'))],
  ])();
}

function flipped(random: Random, text: Buffer): Buffer {
  const turned = Buffer.from(text);
  for (let left = 1 + below(random, 6); left > 0 && turned.length > 0; left -= 1) {
    const at = below(random, turned.length);
    turned[at] = chance(random, 0.5) ? below(random, 256) : (turned[at] ?? 0) ^ (1 << below(random, 8));
  }
  return turned;
}
