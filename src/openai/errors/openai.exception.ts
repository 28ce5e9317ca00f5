/** An error in the form of OpenAI's APIs. */
export interface OpenaiErrorBody {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

/** An error that a caller of one of OpenAI's APIs gets with its HTTP status. */
export class OpenaiException extends Error {
  constructor(
    readonly status: number,
    readonly body: OpenaiErrorBody,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(body.message);
    this.name = 'OpenaiException';
  }
}

/** Makes the error for a method that a route does not have. */
export function methodNotServed(): OpenaiException {
  return new OpenaiException(405, {
    message: 'This method is not allowed here.',
    type: 'invalid_request_error',
    param: null,
    code: null,
  });
}
