// Parts of operations that several APIs have.
import { ApiHeader, ApiResponse } from '@nestjs/swagger';
import { header } from './operation.js';

/** Describes the header by which a caller names a request. */
export function IdempotencyKeyDocs(): MethodDecorator {
  return ApiHeader({
    name: 'idempotency-key',
    description: 'Requests of a thread with the same key are the same request.',
    schema: { type: 'string', minLength: 1, maxLength: 256, examples: ['order-4711'] },
  });
}

/** Describes the header of this name with the turns that a client was given when it joined a thread. */
export function KnownTurnsDocs(name: string): MethodDecorator {
  return ApiHeader({
    name,
    description:
      'The numbers of the first and the last turn of the thread that others made and that are in the history of the request. `chiron join` sends it.',
    schema: { type: 'string', pattern: '^[1-9][0-9]*-[1-9][0-9]*$', examples: ['1-12'] },
  });
}

/** Describes a response with the bytes of a file. */
export function FileBytesDocs(description: string): MethodDecorator {
  return ApiResponse({
    status: 200,
    description,
    headers: { 'request-id': header('RequestId') },
    content: { '*/*': { schema: { type: 'string', format: 'binary' }, example: 'a,b\n1,2\n' } },
  });
}
