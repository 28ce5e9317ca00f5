import { describe, expect, it } from 'vitest';
import { KeyLock } from './key-lock.js';

describe(KeyLock.name, () => {
  it('runs the tasks of a key one after the other, even after a failed one', async () => {
    const lock = new KeyLock();
    const order: string[] = [];
    const task =
      (name: string, fail = false) =>
      async () => {
        order.push(`${name} begins`);
        await Promise.resolve();
        order.push(`${name} ends`);
        if (fail) throw new Error(name);
        return name;
      };
    const results = await Promise.allSettled([
      lock.run('k', task('a', true)),
      lock.run('k', task('b')),
      lock.run('k', task('c')),
    ]);
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
    expect(results.map((result) => result.status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  });

  it('does not make tasks of other keys wait', async () => {
    const lock = new KeyLock();
    let release = (): void => undefined;
    const held = lock.run('a', () => new Promise<void>((resolve) => (release = resolve)));
    await expect(lock.run('b', () => Promise.resolve('done'))).resolves.toBe('done');
    release();
    await held;
  });
});
