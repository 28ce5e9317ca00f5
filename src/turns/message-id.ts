import { randomBytes } from 'node:crypto';

/** Makes a message id. Claude Code uses message threads only with a server whose ids start with `msg_`. */
export function createMessageId(): string {
  return `msg_${randomBytes(12).toString('hex')}`;
}
