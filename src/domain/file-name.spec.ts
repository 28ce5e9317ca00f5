import { describe, expect, it } from 'vitest';
import { toFileName } from './file-name.js';

describe(toFileName, () => {
  it.each([
    ['report.pdf', 'report.pdf'],
    ['/etc/passwd', 'passwd'],
    ['..\\..\\boot.ini', 'boot.ini'],
    ['a/../../b.txt', 'b.txt'],
    ['.env', '.env'],
    ['naïve 日本.txt', 'naïve 日本.txt'],
    ['a\0b\n\u001b[2Jc.txt', 'ab[2Jc.txt'],
    ['cv\u202Efdp.exe', 'cvfdp.exe'],
    ['a<b>:"|?*.txt', 'ab.txt'],
    ['\ud800.txt', '\ufffd.txt'],
  ])('of %j is %j', (given, name) => {
    expect(toFileName(given)).toBe(name);
  });

  it.each(['', '.', '..', '...', '/', 'folder/', '\0', undefined])(
    'of %j, which is none, has the ending of its type',
    (given) => {
      expect(toFileName(given, '.png')).toBe('unnamed.png');
    },
  );

  it('keeps its ending when it is too long', () => {
    for (const long of ['x'.repeat(5000), '日'.repeat(5000)]) {
      const name = toFileName(`${long}.tar.gz`);
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(200);
      expect(name).toMatch(/^[x日]{60,}.*\.gz$/);
    }
  });
});
