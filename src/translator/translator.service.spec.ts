import { Test } from '@nestjs/testing';
import { map, of, toArray } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../domain/harness-event.js';
import type { StreamEvent } from '../anthropic/stream-event.js';
import type { TranslateOptions } from './translate.js';
import { TranslatorModule } from './translator.module.js';
import { TranslatorService, type TranslatorSignal } from './translator.service.js';

const options: TranslateOptions = { messageId: 'msg_1', model: 'model-x', knownUsage: null };
const service = new TranslatorService();

const said: readonly HarnessEvent[] = [
  { type: 'text-delta', id: 'a', text: 'h' },
  { type: 'text-delta', id: 'a', text: 'i' },
];
const batches: Readonly<Record<string, readonly HarnessEvent[]>> = {
  a: said,
  n: [{ type: 'notice', kind: 'progress', message: '' }],
  e: [{ type: 'turn-end', reason: 'end_turn' }],
};
const signals: Readonly<Record<string, TranslatorSignal>> = { b: 'begin', k: 'keep-alive' };

/** A batch as the types of its events, so that marbles can name it. */
const types = (events: readonly StreamEvent[]): string => events.map(({ type }) => type).join(' ');
const shown: Readonly<Record<string, string>> = {
  a: 'message_start content_block_start content_block_delta content_block_delta',
  e: 'content_block_stop message_delta message_stop',
  b: 'message_start',
  c: 'content_block_start content_block_delta content_block_delta',
  k: 'content_block_delta',
  o: 'message_start content_block_start content_block_delta',
  x: 'error',
  y: 'content_block_stop error',
  z: 'content_block_delta content_block_stop error',
};

interface Course {
  readonly source: string;
  readonly signals: string;
  readonly unsubscribe?: string;
  readonly expected: string;
  /** Of the source, and of the signals when nothing else is said. */
  readonly subscription: string;
  readonly signalSubscription?: string;
}

function follow(course: Course): void {
  const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
  scheduler.run(({ cold, hot, expectObservable, expectSubscriptions }) => {
    const source = cold(course.source, batches);
    const signal = hot(course.signals, signals);
    const result = source.pipe(service.translate(options, signal), map(types));
    expectObservable(result, course.unsubscribe).toBe(course.expected, shown);
    expectSubscriptions(source.subscriptions).toBe(course.subscription);
    expectSubscriptions(signal.subscriptions).toBe(course.signalSubscription ?? course.subscription);
  });
}

describe('a translated stream', () => {
  it('has one batch per batch, omits empty ones, and completes with its source', () => {
    follow({ source: '-n-a-n-e--|', signals: '-', expected: '---a---e--|', subscription: '^---------!' });
  });

  it('ends with an error event when its source completes without an end', () => {
    follow({ source: '--|', signals: '-', expected: '--(x|)', subscription: '^-!' });
    follow({ source: '-a-|', signals: '-', expected: '-a-(y|)', subscription: '^--!' });
  });

  it('starts and is kept alive on signals, and completes with its source', () => {
    follow({
      source: '----a-----e-|',
      signals: '-b-b--k-k--k--k',
      expected: '-b--c-k-k-e-|',
      subscription: '^-----------!',
    });
    follow({ source: '-----|', signals: '--k--', expected: '--o--(z|)', subscription: '^----!' });
  });

  it('continues when the signals complete', () => {
    follow({
      source: '---a-e|',
      signals: '-b|',
      expected: '-b-c-e|',
      subscription: '^-----!',
      signalSubscription: '^-!',
    });
  });

  it('unsubscribes from source and signals when its reader unsubscribes', () => {
    follow({ source: '-a----e|', signals: '---k', unsubscribe: '----!', expected: '-a-k-', subscription: '^---!' });
  });

  it('errors when the source or the signals error, and unsubscribes from the other', () => {
    follow({ source: '-a-#', signals: '-', expected: '-a-#', subscription: '^--!' });
    follow({ source: '-a----', signals: '---#', expected: '-a-#', subscription: '^--!' });
  });

  it('is translated separately for every subscriber, even from a synchronous source', () => {
    const stream$ = of(said, batches['e'] ?? []).pipe(service.translate(options), map(types), toArray());
    const seen: string[][] = [];
    stream$.subscribe((batch) => seen.push(batch));
    stream$.subscribe((batch) => seen.push(batch));
    expect(seen).toEqual([
      [shown['a'], shown['e']],
      [shown['a'], shown['e']],
    ]);
  });
});

describe('the translator module', () => {
  it('exports its service', async () => {
    const module = await Test.createTestingModule({ imports: [TranslatorModule] }).compile();
    expect(module.get(TranslatorService)).toBeInstanceOf(TranslatorService);
    await module.close();
  });
});
