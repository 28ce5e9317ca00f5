import type { IncomingMessage } from 'node:http';
import type { Params } from 'nestjs-pino';
import { type DestinationStream, pino } from 'pino';
import { getRequestFacts } from '../http/request-facts.js';
import { parseTraceId } from '../http/request-id.js';

/** Routes that are polled so often that their lines would flood the log. */
const UNLOGGED_PATHS = new Set(['/healthz', '/health', '/readyz', '/', '/api/hello']);

/** How much of the log is buffered while it cannot be written; further lines are dropped. */
const MAX_BUFFERED_CHARACTERS = 1_048_576;

/**
 * Logs the server's own messages and one JSON line per finished request: its method, path, status, duration, id and trace id, whom it is
 * from, and its thread and turn where they are known. Other headers, bodies and queries are never logged, because they may hold keys or prompts.
 */
export function buildLoggerOptions(level: string): Params {
  return {
    pinoHttp: {
      level,
      stream: standardOutput(),
      autoLogging: { ignore: isPolled },
      quietReqLogger: true,
      genReqId: (_request, response) => String(response.getHeader('request-id') ?? ''),
      customProps: (request) => {
        const { traceparent } = request.headers;
        const traceId = typeof traceparent === 'string' ? parseTraceId(traceparent) : undefined;
        return traceId === undefined ? {} : { traceId };
      },
      // Most of it is known at the end only, and a property that changes until then would be in the line twice.
      customSuccessObject: (request, _response, line: object) => ({ ...line, ...getRequestFacts(request) }),
      customErrorObject: (request, _response, _error, line: object) => ({ ...line, ...getRequestFacts(request) }),
      serializers: {
        req: (request: { readonly method: string; readonly url: string }) => ({
          method: request.method,
          path: request.url.split('?')[0],
        }),
        res: (response: { readonly statusCode: number }) => ({ status: response.statusCode }),
      },
      customAttributeKeys: { reqId: 'requestId', responseTime: 'milliseconds' },
    },
  };
}

/**
 * Standard output that tolerates write errors: pino's default destination throws for each line that a full disk rejects, and blocks
 * the exit of the process until the disk has room again.
 */
function standardOutput(): DestinationStream {
  const output = pino.destination({ dest: 1, sync: true, maxLength: MAX_BUFFERED_CHARACTERS });
  output.on('error', () => undefined); // There is no other place to report it.
  return output;
}

/** Whether a request is one of those that are polled, which would flood logs and traces. */
export function isPolled(request: IncomingMessage): boolean {
  return UNLOGGED_PATHS.has(request.url?.split('?')[0] ?? '');
}
