import { type Context, ROOT_CONTEXT, type SpanContext, trace } from '@opentelemetry/api';
import type { TraceParent } from '../../domain/traceparent.js';

/** The context in which a span continues a trace; without a parent, it begins one. */
export function toParentContext(parent: TraceParent | undefined): Context {
  if (parent === undefined) return ROOT_CONTEXT;
  const { traceId, spanId, flags } = parent;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: flags & 1, isRemote: true });
}

/** A span as the parent of others. */
export function toTraceParent({ traceId, spanId, traceFlags }: SpanContext): TraceParent {
  return { traceId, spanId, flags: traceFlags };
}
