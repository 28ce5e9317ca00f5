import { SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import type { Request, Response } from 'express';
import { parseTraceparent, renderTraceparent } from '../../domain/traceparent.js';
import { getRequestFacts } from '../../http/request-facts.js';
import { getRequestId } from '../../http/request-id.js';
import { routeOf } from '../metrics/http-metrics.js';

import { toParentContext, toTraceParent } from './span-parent.js';

/**
 * Begins the span of a request, by the conventions for HTTP servers (OpenTelemetry semantic conventions 1.41.0, HTTP spans), and ends it with the
 * connection's part in the answer. It continues the trace of the caller, and takes the caller's place in the request's `traceparent`: log
 * lines and the turn of the request then belong to it.
 */
export function beginRequestSpan(tracer: Tracer, request: Request, response: Response): void {
  const parent = parseTraceparent(request.get('traceparent'));
  const attributes = { 'http.request.method': request.method, 'chiron.request.id': getRequestId(response) };
  const span = tracer.startSpan(request.method, { kind: SpanKind.SERVER, attributes }, toParentContext(parent));
  request.headers['traceparent'] = renderTraceparent(toTraceParent(span.spanContext()));
  response.once('close', () => {
    const route = routeOf(request);
    const { tenant, keyId, subject, threadId, turnId } = getRequestFacts(request);
    span.updateName(`${request.method} ${route}`);
    span.setAttributes({
      'http.route': route,
      ...(response.headersSent ? { 'http.response.status_code': response.statusCode } : {}),
      ...(tenant === undefined ? {} : { 'chiron.tenant': tenant }),
      ...(keyId === undefined ? {} : { 'chiron.key.id': keyId }),
      ...(subject === undefined ? {} : { 'user.id': subject }),
      ...(threadId === undefined ? {} : { 'gen_ai.conversation.id': threadId }),
      ...(turnId === undefined ? {} : { 'chiron.turn.id': turnId }),
    });
    if (response.headersSent && response.statusCode >= 500) {
      span.setAttribute('error.type', String(response.statusCode));
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    span.end();
  });
}
