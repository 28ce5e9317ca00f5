/** The code of a system error (`ENOENT` …), or `undefined` for any other thing thrown. */
export function readErrorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** A workspace cannot be made from a template that the deployment does not have. */
export class MissingTemplateError extends Error {
  /** @param template its name, one part of a path */
  constructor(readonly template: string) {
    super(`there is no workspace template ${template}`);
  }
}

/** The message of a thrown value, for the log. */
export function describeFileError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
