import { createRandomDigits } from '../domain/random-digits.js';

/** Makes a message id. Claude Code uses message threads only with a server whose ids start with `msg_`. */
export function createMessageId(): string {
  return `msg_${createRandomDigits()}`;
}
