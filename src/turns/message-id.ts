import { randomBytes } from 'node:crypto';

/** A new message id. The `msg_` makes Claude Code believe that the server can hold a thread, which it can. */
export function newMessageId(): string {
  return `msg_${randomBytes(12).toString('hex')}`;
}
