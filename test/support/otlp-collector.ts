import { once } from 'node:events';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';

/** A span as a collector got it. */
export interface ReceivedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** 1: internal, 2: server. */
  readonly kind: number;
  readonly hasFailed: boolean;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/** A collector of OpenTelemetry that takes OTLP over HTTP, in JSON. */
export interface OtlpCollector {
  /** Its URL, for `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly endpoint: string;
  /** All spans so far, in the order of their begin. */
  readonly spans: () => readonly ReceivedSpan[];
  /** All attributes of the servers that have sent spans. */
  readonly resources: () => readonly Readonly<Record<string, unknown>>[];
  close(): Promise<void>;
}

interface WireAttribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** The form of OTLP 1 in JSON, as far as it is looked at. */
interface WireRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly WireAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
  }[];
}

interface WireSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly status?: { readonly code?: number };
  readonly attributes: readonly WireAttribute[];
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}

/** Starts a collector on a free port of 127.0.0.1. */
export async function startOtlpCollector(): Promise<OtlpCollector> {
  const requests: WireRequest[] = [];
  const server = createServer((request, response) => {
    if (request.url !== '/v1/traces' || request.headers['content-type'] !== 'application/json') {
      response.writeHead(404).end();
      return;
    }
    json(request).then(
      (body) => {
        requests.push(body as WireRequest);
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      },
      () => response.writeHead(400).end(),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const all = () => requests.flatMap(({ resourceSpans }) => resourceSpans);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    spans: () =>
      all()
        .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map(toReceivedSpan)))
        .toSorted((one, other) => Number(one.startNs - other.startNs)),
    resources: () => all().map(({ resource }) => toRecord(resource.attributes)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function toReceivedSpan(span: WireSpan): ReceivedSpan {
  const { name, traceId, spanId, parentSpanId, kind, status, attributes } = span;
  return {
    ...{ name, traceId, spanId, kind },
    parentSpanId: parentSpanId === '' ? undefined : parentSpanId,
    hasFailed: status?.code === 2,
    attributes: toRecord(attributes),
    startNs: BigInt(span.startTimeUnixNano),
    endNs: BigInt(span.endTimeUnixNano),
  };
}

/** A value has one field, which is named for its type. */
function toRecord(attributes: readonly WireAttribute[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
