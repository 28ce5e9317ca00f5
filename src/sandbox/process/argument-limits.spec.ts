import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { computeArgumentRoom, measureArguments, shortenVariables, MAX_ARGUMENT_BYTES } from './argument-limits.js';

const ROOM = 1_048_576;

describe('Variables of a program', () => {
  it('stay as they are while they fit', () => {
    const variables = { MODEL: 'opus', PROMPT: 'Be brief. 🐟' };
    expect(shortenVariables(variables, ROOM)).toEqual({ variables, shortened: [] });
  });

  it.each([
    ['ASCII', 'x'],
    ['characters of two bytes', 'é'],
    ['characters of three bytes', '鯨'],
    ['characters of four bytes', '🐳'],
  ])('are cut to what one may have, never within a character: %s', (_, character) => {
    const whole = character.repeat(MAX_ARGUMENT_BYTES);
    const { variables, shortened } = shortenVariables({ PROMPT: whole, MODEL: 'opus' }, ROOM);
    const kept = variables['PROMPT'] ?? '';
    expect(shortened).toEqual(['PROMPT']);
    expect(whole.startsWith(kept)).toBe(true);
    expect(variables['MODEL']).toBe('opus');
    const bytes = Buffer.byteLength(`PROMPT=${kept}`);
    expect(bytes).toBeLessThanOrEqual(MAX_ARGUMENT_BYTES);
    expect(bytes).toBeGreaterThan(MAX_ARGUMENT_BYTES - 4);
  });

  it('are cut together, the longest first, when each of them would fit', () => {
    const each = { A: 'a'.repeat(100_000), B: 'b'.repeat(90_000), KEY: 'a key' };
    const { variables, shortened } = shortenVariables(each, 100_000);
    expect(shortened).toEqual(['A']);
    expect(variables).toMatchObject({ B: each.B, KEY: 'a key' });
    expect(measureArguments(Object.entries(variables).map(([name, value]) => `${name}=${value}`))).toBeLessThanOrEqual(
      100_000,
    );
    expect(shortenVariables(each, 1000).shortened).toEqual(['A', 'B']);
  });

  it('let a program start that could not start with all of them', () => {
    const variables = { PROMPT: '鯨'.repeat(100_000), SECOND: 'x'.repeat(200_000) };
    const start = (env: Readonly<Record<string, string>>) =>
      spawnSync('/bin/sh', ['-c', 'exit 0'], { env: { ...env } });
    expect(start(variables).error).toMatchObject({ code: 'E2BIG' });
    expect(start(shortenVariables(variables, computeArgumentRoom()).variables).status).toBe(0);
  });
});

describe('The room for arguments and variables', () => {
  it.each([
    ['a usual stack', 'Max stack size            8388608              unlimited            bytes', 1_048_576],
    ['a small stack', 'Max stack size            65536                unlimited            bytes', 65_536],
    ['an endless stack', 'Max stack size            unlimited            unlimited            bytes', 3_145_728],
  ])('is half of what the system gives: %s', (_, limits, room) => {
    expect(computeArgumentRoom(limits)).toBe(room);
  });
});
