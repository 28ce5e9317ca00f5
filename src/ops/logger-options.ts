import type { Params } from 'nestjs-pino';
import { type DestinationStream, type Logger, pino } from 'pino';
import { findCurrentRequestId } from './request-log.js';

/** How much of the log is buffered while it cannot be written; further lines are dropped. */
const MAX_BUFFERED_CHARACTERS = 1_048_576;

/** Has Nest log in lines of JSON. What is written in the course of a request has its id. */
export function buildLoggerOptions(level: string): Params {
  // Requests are logged by `request-log.ts`: the package would make three loggers for each, which an open stream holds.
  return { pinoHttp: { logger: createLog(level, standardOutput()), wrapSerializers: false }, forRoutes: [] };
}

/** Makes the log of the server. */
export function createLog(level: string, output: DestinationStream): Logger {
  const mixin = (): object => {
    const requestId = findCurrentRequestId();
    return requestId === undefined ? {} : { requestId };
  };
  return pino({ level, mixin }, output);
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
