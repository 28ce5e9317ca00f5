import type { IncomingMessage } from 'node:http';

/** What the log says of a request besides its method, path and status: whom it is from, and what it is about. Never a key. */
export interface RequestFacts {
  readonly tenant?: string;
  /** The id of the caller's key. */
  readonly keyId?: string | undefined;
  /** The subject of the caller's token. */
  readonly subject?: string | undefined;
  readonly threadId?: string;
  readonly turnId?: string;
}

const requestFacts = new WeakMap<IncomingMessage, RequestFacts>();

/** Adds what has become known of a request; what is `undefined` stays unknown. */
export function noteRequestFacts(request: IncomingMessage, facts: RequestFacts): void {
  const known = Object.entries(facts).filter(([, value]) => value !== undefined);
  requestFacts.set(request, { ...getRequestFacts(request), ...Object.fromEntries(known) });
}

/** What is known of a request by now. */
export function getRequestFacts(request: IncomingMessage): RequestFacts {
  return requestFacts.get(request) ?? {};
}

/** Notes the thread that a request is about, and returns it. */
export function noteThread<Found extends { readonly id: string }>(request: IncomingMessage, thread: Found): Found {
  noteRequestFacts(request, { threadId: thread.id });
  return thread;
}

/** Notes the turn that a request is about, and returns it. */
export function noteTurn<Found extends { readonly id: string }>(request: IncomingMessage, turn: Found): Found {
  noteRequestFacts(request, { turnId: turn.id });
  return turn;
}
