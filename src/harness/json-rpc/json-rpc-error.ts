/** The other side refused a request, or exited before it answered. */
export class JsonRpcError extends Error {
  override readonly name = 'JsonRpcError';

  constructor(
    message: string,
    /** JSON-RPC's error code; `undefined` if the process exited. */
    readonly code: number | undefined,
    /** What else the error says, as any JSON. */
    readonly data?: unknown,
  ) {
    super(message);
  }
}

/** The other side did not answer a request in time. Its answer is ignored when it comes after all. */
export class JsonRpcTimeoutError extends Error {
  override readonly name = 'JsonRpcTimeoutError';

  constructor(
    readonly method: string,
    readonly limitMs: number,
  ) {
    super(`no answer to ${method} within ${limitMs / 1000} s`);
  }
}

/** Whether an error reports the exit of the process; an error with a code is the response to a request. */
export function isProcessGone(error: unknown): error is JsonRpcError {
  return error instanceof JsonRpcError && error.code === undefined;
}
