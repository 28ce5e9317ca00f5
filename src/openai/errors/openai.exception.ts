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
