import { describe, expect, it } from 'vitest';
import { decodeTail, keepTail, LineSplitter } from './lines.js';

function split(chunks: readonly (string | Buffer)[], limit?: number) {
  const splitter = new LineSplitter(limit);
  const batches = chunks.map((chunk) => splitter.push(Buffer.from(chunk)));
  return { batches, last: splitter.end(), dropped: splitter.dropped };
}

describe('LineSplitter', () => {
  it('gives the lines of one read together', () => {
    expect(split(['one\ntwo\n'])).toEqual({ batches: [['one', 'two']], last: [], dropped: 0 });
  });

  it('puts a line together that comes in pieces', () => {
    expect(split(['o', 'n', 'e\ntw', 'o\n']).batches).toEqual([[], [], ['one'], ['two']]);
  });

  it('joins a character that is split across reads, wherever the split is', () => {
    const bytes = Buffer.from('a€😀b\n');
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const { batches } = split([bytes.subarray(0, cut), bytes.subarray(cut)]);
      expect(batches.flat()).toEqual(['a€😀b']);
    }
  });

  it('takes CRLF as one line end, also when it is split across reads', () => {
    expect(split(['one\r', '\ntwo\r\nth\rree\n']).batches.flat()).toEqual(['one', 'two', 'th\rree']);
  });

  it('keeps empty lines', () => {
    expect(split(['\n\none\n\r\n']).batches.flat()).toEqual(['', '', 'one', '']);
  });

  it('gives the last line without an end at the close, once', () => {
    const splitter = new LineSplitter();
    expect(splitter.push(Buffer.from('one\nrest'))).toEqual(['one']);
    expect(splitter.end()).toEqual(['rest']);
    expect(splitter.end()).toEqual([]);
  });

  it('drops and counts a line above the limit and continues with the next', () => {
    expect(split(['12345\n123456\nok\n'], 5)).toEqual({ batches: [['12345', 'ok']], last: [], dropped: 1 });
    expect(split(['1234', '56', '78', '9\nok\n', 'again!', '!'], 5)).toEqual({
      batches: [[], [], [], ['ok'], [], []],
      last: [],
      dropped: 2,
    });
  });

  it('gives the same lines wherever the reads are cut', () => {
    const text = 'a\n\r\nb€\r\n\n😀c\r\rd\n123456\nlast\r';
    const bytes = Buffer.from(text);
    for (const limit of [5, 1000]) {
      const whole = split([bytes], limit);
      for (let one = 0; one <= bytes.length; one += 1) {
        for (let other = one; other <= bytes.length; other += 1) {
          const cut = split([bytes.subarray(0, one), bytes.subarray(one, other), bytes.subarray(other)], limit);
          expect([...cut.batches.flat(), ...cut.last]).toEqual([...whole.batches.flat(), ...whole.last]);
          expect(cut.dropped).toBe(whole.dropped);
        }
      }
      expect(whole.dropped).toBe(limit === 5 ? 2 : 0);
    }
  });

  it('replaces bytes that are not UTF-8 instead of failing', () => {
    expect(split([Buffer.from([0x61, 0xff, 0x0a])]).batches.flat()).toEqual(['a\uFFFD']);
  });
});

describe('the tail of standard error', () => {
  it('keeps the last bytes over many reads', () => {
    const tail = ['abc', 'def', 'g'].reduce(
      (kept, chunk) => keepTail(kept, Buffer.from(chunk), 5),
      Buffer.alloc(0) as Buffer,
    );
    expect(decodeTail(tail)).toBe('cdefg');
  });

  it('keeps the end of one large read', () => {
    expect(decodeTail(keepTail(Buffer.from('old'), Buffer.from('0123456789'), 4))).toBe('6789');
  });

  it('leaves out a character that was cut in the middle', () => {
    expect(decodeTail(keepTail(Buffer.alloc(0), Buffer.from('😀€x'), 3))).toBe('x');
    expect(decodeTail(keepTail(Buffer.alloc(0), Buffer.from('😀€x'), 4))).toBe('€x');
  });
});
