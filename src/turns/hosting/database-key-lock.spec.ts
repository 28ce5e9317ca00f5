import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newStore, testedKinds, type TestStore } from '../../storage/__fixtures__/databases.js';
import { NodeStore } from '../../storage/stores/node.store.js';
import { DatabaseKeyLock } from './database-key-lock.js';

describe.runIf((await testedKinds()).includes('postgres'))('the lock of several servers', () => {
  let store: TestStore;
  let locks: DatabaseKeyLock[];
  let here: DatabaseKeyLock;
  let there: DatabaseKeyLock;

  beforeEach(async () => {
    store = await newStore('postgres');
    const url = store.options.databaseUrl ?? '';
    here = new DatabaseKeyLock(url, 'chiron lock here');
    there = new DatabaseKeyLock(url, 'chiron lock there');
    locks = [here, there];
  });

  afterEach(async () => {
    await Promise.all(locks.map((lock) => lock.close()));
    await store.remove();
  });

  it('lets one task of a key run at a time, on whichever of them', async () => {
    const order: string[] = [];
    const task = (name: string) => async (): Promise<void> => {
      order.push(`${name} begins`);
      await delay(20);
      order.push(`${name} ends`);
    };
    await Promise.all([here, there, here, there].map((lock, index) => lock.run('key', task(String(index)))));
    expect(order).toHaveLength(8);
    for (let index = 0; index < order.length; index += 2) {
      expect(order[index + 1]).toBe(order[index]?.replace('begins', 'ends'));
    }
  });

  it('lets tasks of other keys run meanwhile, more than it has connections within each other', async () => {
    const nested = (lock: DatabaseKeyLock, outer: number) =>
      lock.run(`outer ${outer}`, () => lock.run(`inner ${outer}`, () => delay(10, outer)));
    const outers = Array.from({ length: 30 }, (_, index) => index);
    expect(await Promise.all(outers.map((outer) => nested(outer % 2 === 0 ? here : there, outer)))).toEqual(outers);
  });

  it('is free again after a task that failed, and after a server whose connection was ended', async () => {
    await expect(here.run('key', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    let isHeld: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (isHeld = resolve));
    const holding = here.run('key', async () => {
      isHeld();
      await delay(1000);
    });
    await held;
    const waiting = there.run('key', () => Promise.resolve('mine'));
    await new NodeStore(store.database).endLocks(['here']);
    expect(await waiting).toBe('mine');
    await holding;
  });
});
