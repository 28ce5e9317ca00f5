import type { IncomingMessage } from 'node:http';
import type { Params } from 'nestjs-pino';
import { type DestinationStream, pino } from 'pino';
import { parseTraceId } from '../http/request-id.js';

/** Routes that load balancers ask for all the time: a line each would drown the rest. */
const QUIET = new Set(['/healthz', '/health', '/readyz', '/', '/api/hello']);

/** How much of the log is kept while it cannot be written; what comes then is dropped. */
const UNWRITTEN_CHARACTERS = 1_048_576;

/**
 * One JSON line per request when it has ended, and whatever the server has to say. Of a request the method, the path, the
 * status, the time it took, its id and its caller's trace: never another header, a body or a query, which may hold keys or prompts.
 */
export function loggerOptions(level: string): Params {
  return {
    pinoHttp: {
      level,
      stream: standardOutput(),
      autoLogging: { ignore: (request) => QUIET.has(pathWithoutQuery(request)) },
      quietReqLogger: true,
      genReqId: (_request, response) => String(response.getHeader('request-id') ?? ''),
      customProps: (request) => {
        const { traceparent } = request.headers;
        const traceId = typeof traceparent === 'string' ? parseTraceId(traceparent) : undefined;
        return traceId === undefined ? {} : { traceId };
      },
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
 * Standard output, whether it can be written or not: pino's own destination throws at each line that a full disk does not take, and
 * holds the process back at its end until the disk has room again.
 */
function standardOutput(): DestinationStream {
  const output = pino.destination({ dest: 1, sync: true, maxLength: UNWRITTEN_CHARACTERS });
  output.on('error', () => undefined); // There is nowhere to report it.
  return output;
}

function pathWithoutQuery(request: IncomingMessage): string {
  return request.url?.split('?')[0] ?? '';
}
