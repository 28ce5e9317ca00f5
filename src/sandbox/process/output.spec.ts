import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { readLines } from './output.js';

function watch(stream: Readable, gone: Promise<unknown> = new Promise(() => undefined)) {
  const dropped = vi.fn();
  const lines$ = readLines(stream, gone, dropped);
  const seen: (readonly string[])[] = [];
  const complete = vi.fn();
  return {
    lines$,
    seen,
    complete,
    dropped,
    begin: () => lines$.subscribe({ next: (each) => seen.push(each), complete }),
  };
}

describe('readLines', () => {
  it('gives the lines of one read as one array, and the rest at the close', async () => {
    const stream = new PassThrough();
    const { begin, seen, complete } = watch(stream);
    begin();
    stream.write('one\ntwo\nthr');
    await expect.poll(() => seen).toEqual([['one', 'two']]);
    stream.end('ee');
    await vi.waitFor(() => expect(complete).toHaveBeenCalledOnce());
    expect(seen).toEqual([['one', 'two'], ['three']]);
  });

  it('reads no more than a small buffer before the first subscription, and then everything', async () => {
    let produced = 0;
    const stream = new Readable({
      read() {
        produced += 1;
        this.push(produced <= 1000 ? Buffer.from(`${'x'.repeat(9_999)}\n`) : null);
      },
    });
    const { begin, seen, complete } = watch(stream);
    await vi.waitFor(() => expect(produced).toBeGreaterThan(1));
    await new Promise((resolve) => setImmediate(resolve));
    expect(produced).toBeLessThan(20);
    begin();
    await vi.waitFor(() => expect(complete).toHaveBeenCalledOnce());
    expect(seen.flat()).toHaveLength(1000);
  });

  it('is hot: a second watcher gets what comes from then on, and nothing is lost when the first leaves', async () => {
    const stream = new PassThrough();
    const { begin, lines$, seen } = watch(stream);
    const first = begin();
    stream.write('one\n');
    await expect.poll(() => seen).toEqual([['one']]);
    const later: (readonly string[])[] = [];
    lines$.subscribe((each) => later.push(each));
    first.unsubscribe();
    stream.write('two\n');
    await expect.poll(() => later).toEqual([['two']]);
    expect(seen).toEqual([['one']]);
  });

  it('completes at once for who comes after the end', async () => {
    const stream = new PassThrough();
    const { begin, lines$, complete } = watch(stream);
    begin();
    stream.end();
    await vi.waitFor(() => expect(complete).toHaveBeenCalledOnce());
    const late = vi.fn();
    lines$.subscribe({ complete: late });
    expect(late).toHaveBeenCalledOnce();
  });

  it('completes when the output breaks', async () => {
    const stream = new PassThrough();
    const { begin, seen, complete } = watch(stream);
    begin();
    stream.write('half');
    stream.destroy(new Error('broken'));
    await vi.waitFor(() => expect(complete).toHaveBeenCalledOnce());
    expect(seen.flat().length).toBeLessThanOrEqual(1);
  });

  it('completes although somebody holds the output open, once the process is gone', async () => {
    const stream = new PassThrough();
    const { begin, seen, complete } = watch(stream, Promise.resolve());
    stream.write('last words');
    begin();
    await vi.waitFor(() => expect(complete).toHaveBeenCalledOnce(), { timeout: 10_000 });
    expect(seen).toEqual([['last words']]);
  });
});
