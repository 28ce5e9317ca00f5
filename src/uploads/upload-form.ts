import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import createBusboy, { type Busboy, type FileInfo } from 'busboy';
import { ServiceError } from '../domain/service-error.js';

/** Limits of the parts of a form beside its file. */
const LIMITS = { files: 1, fields: 20, fieldSize: 10_000, fieldNameSize: 100, headerPairs: 50, parts: 30 };

/** The file of a form, while it is arriving. */
export interface FormFile {
  /** As the caller gives it. */
  readonly name: string | undefined;
  readonly mediaType: string;
  /** Errors when the request breaks off. */
  readonly body: Readable;
}

/** A form that has arrived. */
export interface UploadForm<Received> {
  readonly received: Received;
  /** The other fields. */
  readonly fields: ReadonlyMap<string, string>;
}

/**
 * Reads a form (`multipart/form-data`) with one file, in the field `file`, as it arrives: the file is never in memory. The rest of a request that is refused
 * is read and dropped, as a caller that is still sending would not read the answer.
 *
 * @param receive gets the file; what it rejects with ends the reading
 * @param discard gets what was received of a form that then proves to be malformed, or breaks off
 * @throws ServiceError `bad_request`, `unsupported_media_type`, `request_timeout`, and what `receive` rejects with
 */
export async function readUploadForm<Received>(
  request: IncomingMessage,
  receive: (file: FormFile) => Promise<Received>,
  discard: (received: Received) => Promise<void>,
): Promise<UploadForm<Received>> {
  const busboy = openForm(request);
  const fields = new Map<string, string>();
  let receiving: Promise<Received> | undefined;
  let body: Readable | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      busboy.on('file', (field: string, stream: Readable, { filename, mimeType }: FileInfo) => {
        // Whoever reads it gets the error.
        stream.on('error', () => undefined);
        if (field !== 'file') {
          reject(badForm(`${field.slice(0, 100)}: the file belongs into the field "file"`));
          return;
        }
        body = stream;
        receiving = receive({ name: filename, mediaType: mimeType, body: stream });
        receiving.catch(reject);
      });
      busboy.on('field', (name: string, value: string) => void fields.set(name, value));
      busboy.on('filesLimit', () => reject(badForm('file: must be given once')));
      busboy.on('fieldsLimit', () => reject(badForm('the form has too many fields')));
      busboy.on('partsLimit', () => reject(badForm('the form has too many parts')));
      busboy.on('error', () => reject(badForm('the request body is not a valid form')));
      busboy.on('close', resolve);
      // The body has stalled; `http-server.ts` is about to close the connection.
      request.on('timeout', () => reject(tooSlow()));
      request.on('close', () => {
        if (!request.complete) reject(badForm('the request ended before its body'));
      });
      // The caller left before anybody read.
      if (request.destroyed) reject(badForm('the request ended before its body'));
      request.pipe(busboy);
    });
    if (receiving === undefined) throw badForm('file: Field required');
    return { received: await receiving, fields };
  } catch (error) {
    request.unpipe(busboy);
    request.resume();
    body?.destroy(new Error('the form was refused'));
    busboy.destroy();
    const received = await receiving?.catch(() => undefined);
    if (received !== undefined) await discard(received);
    throw error;
  }
}

function openForm(request: IncomingMessage): Busboy {
  const { headers } = request;
  const isForm = /^multipart\/form-data\s*;/i.test(headers['content-type'] ?? '');
  const encoding = headers['content-encoding'] ?? 'identity';
  if (!isForm || encoding !== 'identity') {
    request.resume();
    throw new ServiceError(
      'unsupported_media_type',
      isForm ? 'content-encoding must be absent' : 'content-type must be multipart/form-data',
    );
  }
  try {
    // Clients write names of files in UTF-8. [RFC 7578, section 5.1; undici, curl]
    return createBusboy({ headers, limits: LIMITS, defParamCharset: 'utf8' });
  } catch {
    request.resume();
    throw badForm('the request body is not a valid form');
  }
}

function badForm(problem: string): ServiceError {
  return new ServiceError('bad_request', problem);
}

function tooSlow(): ServiceError {
  return new ServiceError('request_timeout', 'The request took too long to arrive.', { closesConnection: true });
}
