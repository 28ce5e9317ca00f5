import { below, many, type Random, randomBytes, weighted } from '../draw.js';
import { type Header, headBytes, type RawExchange } from '../request.js';

/** What a raw exchange is made of. */
export interface SocketWishes {
  readonly number: number;
  readonly marker: string;
  /** Of a server with keys one that it knows. */
  readonly key: readonly Header[];
  /** A request to `POST /v1/messages` that would be accepted: its bytes, and those of its body. */
  readonly head: (framing: readonly Header[]) => Buffer;
  readonly body: Buffer;
}

const HOST: Header = ['host', '127.0.0.1'];

/** Bytes that are no request, half of one, or more than one. */
export function rawExchange(random: Random, wishes: SocketWishes): RawExchange {
  const { number, marker } = wishes;
  const [kind, parts] = weighted<readonly [string, (random: Random, wishes: SocketWishes) => Parts]>(random, KINDS);
  return { type: 'raw', number, kind: `raw: ${kind}`, marker, isHalf: false, ...parts(random, wishes) };
}

type Parts = Pick<RawExchange, 'writes' | 'ending' | 'answers'> & { readonly isHalf?: boolean };

const KINDS: readonly (readonly [number, readonly [string, (random: Random, wishes: SocketWishes) => Parts]])[] = [
  [3, ['not HTTP', notHttp]],
  [3, ['half a request', halfRequest]],
  [2, ['a slow body', slowBody]],
  [3, ['requests one after the other', pipelined]],
  [3, ['a length that is not the body’s', wrongLength]],
  [4, ['two ways to frame a body', smuggled]],
  [2, ['broken chunks', brokenChunks]],
  [2, ['broken headers', brokenHeaders]],
  [1, ['another protocol', anotherProtocol]],
  [1, ['bytes after a request', bytesAfterRequest]],
];

function notHttp(random: Random): Parts {
  const bytes = random.pick([
    randomBytes(random, 1 + below(random, 300)),
    Buffer.from('EHLO example.com\r\n\r\n'),
    Buffer.from('\r\n\r\n\r\n'),
    Buffer.from('GET\r\n\r\n'),
    Buffer.from('POST /v1/messages\r\n\r\n'),
    Buffer.from('POST /v1/messages HTTP/9.9\r\nhost: a\r\n\r\n'),
    Buffer.from('\u0000\u0000\u0000\u0000'),
    // The first bytes of a TLS connection.
    Buffer.from('1603010200010001fc0303', 'hex'),
  ]);
  return { writes: [bytes], ending: 'ends', answers: 1 };
}

function halfRequest(random: Random, { head, body }: SocketWishes): Parts {
  const whole = Buffer.concat([head([['content-length', String(body.length)]]), body]);
  const part = whole.subarray(0, below(random, whole.length));
  return { writes: [part], ending: random.pick(['ends', 'cuts']), answers: 1, isHalf: true };
}

function slowBody(random: Random, { head, body }: SocketWishes): Parts {
  const size = Math.ceil(body.length / 4);
  const pieces = many(4, (index) => body.subarray(index * size, (index + 1) * size)).filter(
    (piece) => piece.length > 0,
  );
  const isWhole = random.next() < 0.7;
  return {
    writes: [head([['content-length', String(body.length)]]), ...(isWhole ? pieces : pieces.slice(0, 2))],
    ending: isWhole ? 'waits' : 'cuts',
    answers: 1,
    isHalf: !isWhole,
  };
}

function pipelined(random: Random, { key, head, body }: SocketWishes): Parts {
  const message = Buffer.concat([head([['content-length', String(body.length)]]), body]);
  const refused = Buffer.concat([head([['content-length', '1']]), Buffer.from('{')]);
  const look = headBytes('GET', '/v1/models', [HOST, ...key]);
  const requests = many(2 + below(random, 4), () => random.pick([message, refused, look]));
  return { writes: [Buffer.concat([...requests])], ending: 'waits', answers: requests.length };
}

function wrongLength(random: Random, { head, body }: SocketWishes): Parts {
  return random.pick<Parts>([
    { writes: [head([['content-length', String(body.length + 10)]]), body], ending: 'ends', answers: 1, isHalf: true },
    { writes: [head([['content-length', String(body.length + 10)]]), body], ending: 'cuts', answers: 1, isHalf: true },
    { writes: [head([['content-length', '5']]), body], ending: 'ends', answers: 2 },
    { writes: [head([['content-length', '-1']]), body], ending: 'ends', answers: 1 },
    { writes: [head([['content-length', 'many']]), body], ending: 'ends', answers: 1 },
    { writes: [head([['content-length', '99999999999999999999999']]), body], ending: 'ends', answers: 1 },
    { writes: [head([['content-length', '40000000']]), body], ending: 'ends', answers: 1 },
    { writes: [head([]), body], ending: 'ends', answers: 2, isHalf: true },
  ]);
}

/** Shapes that two servers in a row may read differently; whatever is refused here must not have started a turn. */
function smuggled(random: Random, { head, body }: SocketWishes): Parts {
  const length = String(body.length);
  const chunk = Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]);
  const framings: readonly (readonly Header[])[] = [
    [
      ['content-length', length],
      ['transfer-encoding', 'chunked'],
    ],
    [
      ['transfer-encoding', 'chunked'],
      ['content-length', '4'],
    ],
    [
      ['content-length', length],
      ['content-length', '3'],
    ],
    [['content-length', `${length}, ${length}`]],
    [['transfer-encoding', 'chunked, identity']],
    [['transfer-encoding', 'identity']],
    [['transfer-encoding', '\u000bchunked']],
    [['transfer-encoding', 'xchunked']],
    [['transfer-encoding ', 'chunked']],
    [
      ['transfer-encoding', 'chunked'],
      ['transfer-encoding', 'cow'],
    ],
    [[' content-length', length]],
  ];
  return { writes: [head(random.pick(framings)), random.pick([chunk, body])], ending: 'ends', answers: 2 };
}

function brokenChunks(random: Random, { head, body }: SocketWishes): Parts {
  const size = body.length.toString(16);
  const broken = random.pick([
    Buffer.from('zz\r\n'),
    Buffer.concat([Buffer.from('fffffffffffffffff\r\n'), body]),
    Buffer.concat([Buffer.from(`-${size}\r\n`), body]),
    Buffer.concat([Buffer.from(`${size}\r\n`), body, Buffer.from('xx0\r\n\r\n')]),
    Buffer.concat([Buffer.from(`${size}\n`), body, Buffer.from('\n0\n\n')]),
    Buffer.concat([Buffer.from(`${size};${'e'.repeat(20_000)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]),
    Buffer.concat([Buffer.from(`${size}\r\n`), body, Buffer.from('\r\n0\r\nx-trailer: 1\r\n: 2\r\n\r\n')]),
    Buffer.concat([Buffer.from(`${size}\r\n`), body]),
  ]);
  return { writes: [head([['transfer-encoding', 'chunked']]), broken], ending: 'ends', answers: 1 };
}

function brokenHeaders(random: Random, { head, body }: SocketWishes): Parts {
  const framing: Header = ['content-length', String(body.length)];
  const odd = random.pick<readonly Header[]>([
    [['x', 'nul\u0000']],
    [['x', 'bare\rreturn']],
    [['x', 'folded\r\n  line']],
    [['na me', 'x']],
    [['', 'x']],
    [['x', 'y'.repeat(20_000)]],
    many(3000, (index): Header => [`x-${index}`, '1']),
    [['x\u00e9', '1']],
    [HOST, HOST],
  ]);
  return { writes: [head([...odd, framing]), body], ending: 'ends', answers: 1 };
}

/** Not HTTP/2, which is answered in HTTP/2: see `test/http2.e2e-spec.ts`. */
function anotherProtocol(random: Random, { head, body }: SocketWishes): Parts {
  const framing: Header = ['content-length', String(body.length)];
  return random.pick<Parts>([
    { writes: [Buffer.from('CONNECT example.com:443 HTTP/1.1\r\nhost: a\r\n\r\n')], ending: 'ends', answers: 1 },
    {
      writes: [
        headBytes('GET', '/v1/messages', [HOST, ['connection', 'Upgrade'], ['upgrade', 'websocket']]),
        randomBytes(random, 20),
      ],
      ending: 'ends',
      answers: 1,
    },
    { writes: [head([['expect', '100-continue'], framing]), body], ending: 'waits', answers: 1 },
    { writes: [head([['expect', 'a-miracle'], framing]), body], ending: 'waits', answers: 1 },
    { writes: [Buffer.from('GET /v1/models HTTP/1.0\r\n\r\n')], ending: 'ends', answers: 1 },
    { writes: [Buffer.from('GET /v1/models HTTP/1.1\r\n\r\n')], ending: 'ends', answers: 1 },
  ]);
}

/** What comes after a whole request is not HTTP; the answer to the request must not be broken by that. */
function bytesAfterRequest(random: Random, { head, body }: SocketWishes): Parts {
  const request = Buffer.concat([head([['content-length', String(body.length)]]), body]);
  const after = random.pick([randomBytes(random, 30), Buffer.from('no HTTP\r\n\r\n'), Buffer.from('\r\n\r\n')]);
  const isAtOnce = random.next() < 0.5;
  return { writes: isAtOnce ? [Buffer.concat([request, after])] : [request, after], ending: 'ends', answers: 2 };
}
