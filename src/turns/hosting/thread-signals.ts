import { Injectable } from '@nestjs/common';
import { type Observable, Subject } from 'rxjs';

/** What happens to threads, on any server of the store. */
@Injectable()
export class ThreadSignals {
  readonly #submitted$ = new Subject<string>();
  readonly #removed$ = new Subject<string>();

  /** The id of the thread of each turn that is handed to a server, from now on. Some may be missing: look again from time to time. Never completes. */
  get submitted$(): Observable<string> {
    return this.#submitted$;
  }

  /** The id of each thread that is removed, from now on. Some may be missing. Never completes. */
  get removed$(): Observable<string> {
    return this.#removed$;
  }

  /** Tells that a turn of the thread was handed to a server. */
  submitted(threadId: string): void {
    this.#submitted$.next(threadId);
  }

  /** Tells that a thread was removed. */
  removed(threadId: string): void {
    this.#removed$.next(threadId);
  }
}
