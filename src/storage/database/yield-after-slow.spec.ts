import { expect, it } from 'vitest';
import { newStore } from '../__fixtures__/databases.js';
import { Database } from './database.js';
import { YieldAfterSlow } from './yield-after-slow.js';
import { sql } from 'kysely';

it.each([
  ['yields to the event loop after a slow statement', 50, ['other', 'done']],
  ['continues at once after a fast statement', 0.1, ['done', 'other']],
])('%s', async (_, statementMs, expected) => {
  const order: string[] = [];
  const other = new Promise<void>((resolve) => {
    setImmediate(() => {
      order.push('other');
      resolve();
    });
  });
  await Promise.all([new YieldAfterSlow(() => statementMs).pause().then(() => order.push('done')), other]);
  expect(order).toEqual(expected);
});

it('yields to the event loop after each slow statement of SQLite and after a slow commit', async () => {
  const store = await newStore('sqlite');
  const database = await Database.open(store.options);
  try {
    // Takes SQLite some hundred milliseconds on any machine.
    const slow = sql`with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000000) select max(i) from n`;
    let others = 0;
    const note = (): void => {
      others += 1;
      next = setImmediate(note);
    };
    let next = setImmediate(note);
    await slow.execute(database.kysely);
    const afterOne = others;
    await database.transaction(async (transaction) => {
      await slow.execute(transaction);
    });
    clearImmediate(next);
    expect(afterOne).toBeGreaterThan(0);
    expect(others).toBeGreaterThan(afterOne);
  } finally {
    await database.close();
    await store.remove();
  }
});
