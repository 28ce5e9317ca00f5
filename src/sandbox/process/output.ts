import type { Readable } from 'node:stream';
import { Observable, Subject } from 'rxjs';
import { LineSplitter } from './lines.js';

/** How long an output may be silent after its process and all its descendants are gone, before it counts as closed. */
const SILENCE_MS = 1000;

/**
 * The lines of a process's output, one array per read. Nothing is read before the first subscription (beyond the stream's
 * own small buffer, so the process waits); from then on it is hot and read to the end, watched or not. Completes when the
 * output closes; never errors. Unsubscribing stops nothing.
 *
 * @param gone resolves when the process is gone. A descendant that nobody could find may hold the output open for ever
 *   after that; when it has been silent for a second, the output counts as closed.
 * @param dropped receives at the end the number of lines above the length limit, if any
 */
export function readLines(
  stream: Readable,
  gone: Promise<unknown>,
  dropped: (count: number) => void,
): Observable<readonly string[]> {
  const output = new Subject<readonly string[]>();
  const splitter = new LineSplitter();
  let state: 'untouched' | 'reading' | 'finished' = 'untouched';
  let silence: NodeJS.Timeout | undefined;

  const emit = (lines: readonly string[]): void => {
    if (lines.length > 0) output.next(lines);
  };
  const read = (): void => {
    if (state !== 'reading') return;
    for (let chunk: unknown = stream.read(); Buffer.isBuffer(chunk); chunk = stream.read()) {
      silence?.refresh();
      emit(splitter.push(chunk));
    }
  };
  const finish = (): void => {
    if (state === 'finished') return;
    state = 'finished';
    clearTimeout(silence);
    emit(splitter.end());
    if (splitter.dropped > 0) dropped(splitter.dropped);
    output.complete();
  };
  const begin = (): void => {
    if (state !== 'untouched') return;
    state = 'reading';
    void gone.then(() => {
      if (state === 'reading') silence = setTimeout(() => stream.destroy(), SILENCE_MS);
    });
    read();
  };

  // The listener is there from the start: Node throws the output of an ended process away when nobody listens for it.
  stream.on('readable', read);
  stream.once('end', finish);
  stream.once('close', finish);
  stream.on('error', finish);
  return new Observable((subscriber) => {
    const subscription = output.subscribe(subscriber);
    begin();
    return subscription;
  });
}
