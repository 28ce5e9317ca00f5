import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findProgram } from './find-program.js';

describe(findProgram.name, () => {
  let folder: string;
  let program: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'chiron-path-'));
    mkdirSync(join(folder, 'bin'));
    program = join(folder, 'bin', 'agent');
    writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 });
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it.each([
    ['a loop of links', () => symlinkSync(join(folder, 'odd'), join(folder, 'odd'))],
    ['a link to nothing', () => symlinkSync('/nowhere', join(folder, 'odd'))],
    ['a file', () => writeFileSync(join(folder, 'odd'), '')],
    ['a folder of the name of the program', () => mkdirSync(join(folder, 'odd', 'agent'), { recursive: true })],
    [
      'a program that may not be run',
      () => {
        mkdirSync(join(folder, 'odd'));
        writeFileSync(join(folder, 'odd', 'agent'), '');
        chmodSync(join(folder, 'odd', 'agent'), 0o644);
      },
    ],
  ])('passes over an entry of PATH that is %s', (_, make) => {
    make();
    expect(findProgram('agent', `${join(folder, 'odd')}:${join(folder, 'bin')}`)).toBe(program);
  });

  it.each([`/tmp/${'x'.repeat(5000)}`, 'relative', '', '/dev/null', '\u0000', '/proc/1/root/nowhere'])(
    'passes over the entry %j',
    (entry) => expect(findProgram('agent', `${entry}:${join(folder, 'bin')}`)).toBe(program),
  );

  it('finds nothing where nothing can be looked at', () => {
    expect(findProgram(join(program, 'deeper'), undefined)).toBeUndefined();
    expect(findProgram(`/${'x'.repeat(300)}`, undefined)).toBeUndefined();
    expect(findProgram('', '/usr/bin')).toBeUndefined();
  });
});
