/** What the first bytes of a connection are: a TLS ClientHello with or without a server's name, something else, or too few to tell. */
export type HelloReading =
  | { readonly kind: 'hello'; readonly serverName: string | undefined }
  | { readonly kind: 'other' }
  | { readonly kind: 'incomplete' };

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME_EXTENSION = 0;
/** Version and random. */
const FIXED_BYTES = 34;

/** Reads the server's name from a ClientHello (RFC 8446, section 4.1.2; RFC 6066, section 3), which may be spread over several records. */
export function readClientHello(bytes: Buffer): HelloReading {
  const message = joinRecords(bytes);
  if (!Buffer.isBuffer(message)) return { kind: message };
  if (message.length < 4) return { kind: 'incomplete' };
  if (message[0] !== CLIENT_HELLO) return { kind: 'other' };
  const end = 4 + message.readUIntBE(1, 3);
  if (message.length < end) return { kind: 'incomplete' };
  try {
    return { kind: 'hello', serverName: findServerName(message.subarray(4, end)) };
  } catch (error) {
    // A length that points beyond the message.
    if (error instanceof RangeError) return { kind: 'other' };
    throw error;
  }
}

/** The contents of the handshake records at the beginning. */
function joinRecords(bytes: Buffer): Buffer | 'other' | 'incomplete' {
  const parts: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] !== HANDSHAKE_RECORD) return parts.length === 0 ? 'other' : Buffer.concat(parts);
    if (at + 5 > bytes.length) break;
    const end = at + 5 + bytes.readUInt16BE(at + 3);
    parts.push(bytes.subarray(at + 5, end));
    if (end > bytes.length) break;
    at = end;
  }
  return parts.length === 0 ? 'incomplete' : Buffer.concat(parts);
}

function findServerName(hello: Buffer): string | undefined {
  let at = FIXED_BYTES;
  at += 1 + hello.readUInt8(at); // session id
  at += 2 + hello.readUInt16BE(at); // cipher suites
  at += 1 + hello.readUInt8(at); // compression methods
  if (at === hello.length) return undefined;
  const end = at + 2 + hello.readUInt16BE(at);
  at += 2;
  while (at < end) {
    const type = hello.readUInt16BE(at);
    const length = hello.readUInt16BE(at + 2);
    // A list with one name: its length, the type of the name, the length of the name.
    if (type === SERVER_NAME_EXTENSION) {
      return hello.toString('latin1', at + 9, at + 9 + hello.readUInt16BE(at + 7));
    }
    at += 4 + length;
  }
  return undefined;
}
