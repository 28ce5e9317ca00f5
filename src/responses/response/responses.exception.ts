/** An error in the form of the Responses API. */
export interface ResponsesErrorBody {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

/** An error that a caller of the Responses API gets with its HTTP status. */
export class ResponsesException extends Error {
  constructor(
    readonly status: number,
    readonly body: ResponsesErrorBody,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(body.message);
    this.name = 'ResponsesException';
  }
}
