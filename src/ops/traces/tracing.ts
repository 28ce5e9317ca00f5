import { diag, DiagLogLevel } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Request, Response } from 'express';
import { truncateAtCodePoint } from '../../domain/surrogates.js';
import type { TurnObserver } from '../../turns/running/turn-observer.js';
import { VERSION } from '../../version.js';
import { beginRequestSpan } from './request-span.js';
import { TurnSpans } from './turn-spans.js';

/** How long one export may take, and so the last one at the end of the server. */
const EXPORT_MS = 5000;
/** Reasons of failures may quote what a collector answers. */
const MAX_REASON_CHARS = 200;

/** What traces need of the server. */
export interface TracingOptions {
  /** The collector's URL. */
  readonly endpoint: string;
  /** The id of this server. */
  readonly instance: string;
  /** Whether spans have what was said. */
  readonly capturesContent: boolean;
  readonly onFailure: (reason: string) => void;
}

/** The running traces. */
export interface Tracing {
  readonly turns: TurnObserver;
  beginRequest(request: Request, response: Response): void;
  /** Exports what is left, and ends. Never rejects; a collector that is away costs some seconds. */
  shutDown(): Promise<void>;
}

/** Starts to export spans. */
export function startTracing({ endpoint, instance, capturesContent, onFailure }: TracingOptions): Tracing {
  const note = (reason: string): void => onFailure(truncateAtCodePoint(reason, MAX_REASON_CHARS));
  const ignore = (): void => undefined;
  // The SDK tells of exports that fail here, and nowhere else.
  diag.setLogger({ error: note, warn: ignore, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.ERROR);
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/$/, '')}/v1/traces`,
    timeoutMillis: EXPORT_MS,
  });
  const provider = new TracerProvider({
    spanProcessors: [new BatchSpanProcessor({ exporter, exportTimeoutMillis: EXPORT_MS })],
    resource: defaultResource().merge(
      resourceFromAttributes({
        'service.name': process.env['OTEL_SERVICE_NAME'] ?? 'chiron',
        'service.version': VERSION,
        'service.instance.id': instance,
      }),
    ),
  });
  const tracer = provider.getTracer('chiron', VERSION);
  return {
    turns: new TurnSpans(tracer, capturesContent),
    beginRequest: (request, response) => beginRequestSpan(tracer, request, response),
    shutDown: async () => {
      try {
        await provider.shutdown();
      } catch (error) {
        note(error instanceof Error ? error.message : String(error));
      } finally {
        diag.disable();
      }
    },
  };
}
