import { Injectable, type PipeTransform } from '@nestjs/common';
import { findThreadKeyProblem } from '../threads/thread-key.js';
import { SessionException } from './session.exception.js';

/** Validates thread keys. */
@Injectable()
export class ThreadKeyPipe implements PipeTransform<string, string> {
  /** @throws SessionException (400) with centaur's text. */
  transform(key: string): string {
    const problem = findThreadKeyProblem(key);
    if (problem !== undefined) throw new SessionException(400, problem);
    return key;
  }
}
