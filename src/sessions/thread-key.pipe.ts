import { Injectable, type PipeTransform } from '@nestjs/common';
import { threadKeyProblem } from '../threads/thread-key.js';
import { SessionException } from './session.exception.js';

/** Lets only good thread keys through. */
@Injectable()
export class ThreadKeyPipe implements PipeTransform<string, string> {
  /** @throws SessionException (400) in centaur's words. */
  transform(key: string): string {
    const problem = threadKeyProblem(key);
    if (problem !== undefined) throw new SessionException(400, problem);
    return key;
  }
}
