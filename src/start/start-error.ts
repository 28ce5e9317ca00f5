/**
 * What the operator reads of an error that kept the server from starting: one sentence, and a stack only for those who set
 * `CHIRON_LOG_LEVEL` to `debug` or `trace`.
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
  ['ENOTFOUND', 'the name of the host is not known'],
  ['EAI_AGAIN', 'the name of the host could not be looked up'],
]);

/** The error of a server that cannot listen, in a sentence. */
export function listenError(host: string, port: number, error: unknown): Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason = LISTEN_REASONS.get(code) ?? (error instanceof Error ? error.message : String(error));
  return new Error(`Chiron cannot listen on ${host} port ${port}: ${reason}.`, { cause: error });
}
