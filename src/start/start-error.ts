/**
 * Renders the error that prevented the start for the operator: one sentence, or the stack when `CHIRON_LOG_LEVEL` is `debug` or
 * `trace`.
 */
export function startErrorText(error: unknown, logLevel = process.env['CHIRON_LOG_LEVEL']): string {
  if (!(error instanceof Error)) return `Chiron cannot start: ${String(error)}`;
  if ((logLevel === 'debug' || logLevel === 'trace') && error.stack !== undefined) return error.stack;
  return error.message.startsWith('Chiron ') ? error.message : `Chiron cannot start: ${error.message}`;
}

const LISTEN_REASONS: ReadonlyMap<string, string> = new Map([
  ['EADDRINUSE', 'another program listens there'],
  ['EACCES', 'this user may not use that port'],
  ['EADDRNOTAVAIL', 'this host does not have that address'],
  ['EAFNOSUPPORT', 'this host does not have that kind of address'],
  ['ENOTFOUND', 'the host name is unknown'],
  ['EAI_AGAIN', 'the host name could not be resolved'],
]);

/** Describes in a sentence why the server cannot listen. */
export function listenError(host: string, port: number, error: unknown): Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason = LISTEN_REASONS.get(code) ?? (error instanceof Error ? error.message : String(error));
  return new Error(`Chiron cannot listen on ${host} port ${port}: ${reason}.`, { cause: error });
}
