// A store with the part of S3's API that Chiron uses (REST API of 2006-03-01, path style), in memory. It stands for a store over the network: it checks
// which key signed a request, not the signature, and it can be told to fail.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** An object, as a test sees and changes it. */
export interface S3Object {
  bytes: Buffer;
  modifiedMs: number;
}

/** A running store. */
export interface S3Server {
  readonly url: string;
  /** By key, of the one bucket. */
  readonly objects: Map<string, S3Object>;
  /** Method and key of every request, in order. */
  readonly requests: string[];
  /** Says how a request fails, by its method and key; `undefined` for one that is served. */
  fault: (method: string, key: string) => 'error' | 'cut' | undefined;
  /** Called before a request is served. */
  onRequest: (method: string, key: string) => Promise<void>;
  close(): Promise<void>;
}

export const S3_BUCKET = 'threads-of-tests';
export const S3_KEY_ID = 'AKIATESTS';
/** Few, so that tests list more than one page. */
const PAGE = 4;

/** Starts a store with one empty bucket. */
export async function startS3Server(): Promise<S3Server> {
  const state: S3Server = {
    url: '',
    objects: new Map(),
    requests: [],
    fault: () => undefined,
    onRequest: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  const uploads = new Map<string, Map<number, Buffer>>();
  const server = createServer((request, response) => {
    answer(state, uploads, request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<void> => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  return Object.assign(state, { url: `http://127.0.0.1:${port}`, close });
}

async function answer(
  state: S3Server,
  uploads: Map<string, Map<number, Buffer>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://host');
  const [, bucket = '', ...rest] = url.pathname.split('/').map(decodeURIComponent);
  const key = rest.join('/');
  const method = request.method ?? '';
  state.requests.push(`${method} ${key}`);
  await state.onRequest(method, key);
  const fault = state.fault(method, key);
  const body = await buffer(request);
  if (fault === 'cut') return void response.destroy();
  if (fault === 'error') return refuse(response, 500, 'InternalError');
  if (!(request.headers.authorization ?? '').includes(`Credential=${S3_KEY_ID}/`))
    return refuse(response, 403, 'InvalidAccessKeyId');
  if (bucket !== S3_BUCKET) return refuse(response, 404, 'NoSuchBucket');
  if (request.headers['content-encoding'] === 'aws-chunked') return refuse(response, 501, 'NotImplemented');
  const uploadId = url.searchParams.get('uploadId') ?? '';
  switch (method) {
    case 'HEAD':
      return void response.end();
    case 'GET':
      return key === '' ? list(state, url.searchParams, response) : get(state, key, response);
    case 'DELETE':
      if (uploadId === '') state.objects.delete(key);
      else uploads.delete(uploadId);
      return void response.writeHead(204).end();
    case 'PUT':
      if (uploadId === '') state.objects.set(key, { bytes: body, modifiedMs: Date.now() });
      else uploads.get(uploadId)?.set(Number(url.searchParams.get('partNumber')), body);
      return void response.setHeader('etag', `"${randomUUID()}"`).end();
    case 'POST': {
      if (url.searchParams.has('uploads')) {
        const id = randomUUID();
        uploads.set(id, new Map());
        return xml(
          response,
          `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
        );
      }
      const parts = [...(uploads.get(uploadId) ?? [])].toSorted(([a], [b]) => a - b).map(([, bytes]) => bytes);
      state.objects.set(key, { bytes: Buffer.concat(parts), modifiedMs: Date.now() });
      uploads.delete(uploadId);
      return xml(response, `<CompleteMultipartUploadResult><Key>${key}</Key></CompleteMultipartUploadResult>`);
    }
    default:
      return refuse(response, 405, 'MethodNotAllowed');
  }
}

function get(state: S3Server, key: string, response: ServerResponse): void {
  const object = state.objects.get(key);
  if (object === undefined) return refuse(response, 404, 'NoSuchKey');
  response.setHeader('content-length', object.bytes.length).end(object.bytes);
}

function list(state: S3Server, query: URLSearchParams, response: ServerResponse): void {
  const after = query.get('continuation-token') ?? '';
  const keys = [...state.objects.keys()]
    .filter((key) => key.startsWith(query.get('prefix') ?? '') && key > after)
    .toSorted();
  const page = keys.slice(0, PAGE);
  const contents = page.map((key) => {
    const { bytes, modifiedMs } = state.objects.get(key) ?? { bytes: Buffer.alloc(0), modifiedMs: 0 };
    const modified = new Date(modifiedMs).toISOString();
    return `<Contents><Key>${key}</Key><LastModified>${modified}</LastModified><Size>${bytes.length}</Size></Contents>`;
  });
  const next = keys.length > PAGE ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : '';
  const isCut = `<IsTruncated>${keys.length > PAGE}</IsTruncated>`;
  xml(response, `<ListBucketResult>${isCut}${next}${contents.join('')}</ListBucketResult>`);
}

function xml(response: ServerResponse, text: string, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/xml' }).end(`<?xml version="1.0"?>${text}`);
}

function refuse(response: ServerResponse, status: number, code: string): void {
  xml(response, `<Error><Code>${code}</Code><Message>${code}</Message></Error>`, status);
}
