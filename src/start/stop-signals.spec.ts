import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { onStopSignal } from './stop-signals.js';

function stopped(signals: readonly (readonly [milliseconds: number, name: NodeJS.Signals])[]): readonly string[] {
  const done: string[] = [];
  const source = new EventEmitter();
  let time = 0;
  onStopSignal(
    { drain: () => done.push('drain'), skipDrain: () => done.push('skipDrain'), exit: () => done.push('exit') },
    source,
    () => time,
  );
  for (const [milliseconds, name] of signals) {
    time = milliseconds;
    source.emit(name);
  }
  return done;
}

it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('drains at %s', (name) => {
  expect(stopped([[0, name]])).toEqual(['drain']);
});

it('cuts the drain short at the second signal, whichever it is, and exits at the third', () => {
  expect(
    stopped([
      [0, 'SIGTERM'],
      [600, 'SIGHUP'],
      [9000, 'SIGINT'],
      [12_000, 'SIGINT'],
    ]),
  ).toEqual(['drain', 'skipDrain', 'exit']);
});

it('counts a signal that npm, a shell or systemd sends twice as one', () => {
  expect(
    stopped([
      [0, 'SIGINT'],
      [3, 'SIGINT'],
      [10, 'SIGHUP'],
    ]),
  ).toEqual(['drain']);
});
