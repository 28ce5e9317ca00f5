import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newStore, testedKinds, type TestStore } from '../__fixtures__/databases.js';
import { limitOf, PreparedQuery } from './prepared-query.js';

interface NewTenant {
  readonly name: string;
  readonly policy: string | null;
}

describe.each(await testedKinds())('PreparedQuery on %s', (kind) => {
  let store: TestStore;
  let builds = 0;
  const insert = new PreparedQuery((kysely, { name, policy }: NewTenant) => {
    builds += 1;
    return kysely.insertInto('tenants').values({ name, policy, created_at: 1 });
  });
  const find = new PreparedQuery((kysely, { name }: Pick<NewTenant, 'name'>) =>
    kysely.selectFrom('tenants').select(['name', 'policy']).where('name', '=', name),
  );

  beforeAll(async () => {
    store = await newStore(kind);
  });
  afterAll(() => store.remove());

  it('is built once, and runs with the values of each run, whatever the order of their names', async () => {
    const before = builds;
    const { kysely } = store.database;
    expect(await insert.run(kysely, { name: 'one', policy: null })).toEqual([]);
    await insert.run(kysely, { policy: 'p', name: 'two' });
    expect(await find.run(kysely, { name: 'one' })).toEqual([{ name: 'one', policy: null }]);
    expect(await find.run(kysely, { name: 'two' })).toEqual([{ name: 'two', policy: 'p' }]);
    expect(await find.run(kysely, { name: 'three' })).toEqual([]);
    expect(builds - before).toBe(1);
  });

  it('takes part in the transaction that it is run in', async () => {
    const failing = store.database.transaction(async (transaction) => {
      await insert.run(transaction, { name: 'undone', policy: null });
      expect(await find.run(transaction, { name: 'undone' })).toHaveLength(1);
      throw new Error('undo it');
    });
    await expect(failing).rejects.toThrow('undo it');
    expect(await find.run(store.database.kysely, { name: 'undone' })).toEqual([]);
  });

  it('neither sees nor joins a transaction that is not its own', async () => {
    const { kysely } = store.database;
    let found: Promise<readonly object[]> | undefined;
    let kept: Promise<readonly object[]> | undefined;
    const failing = store.database.transaction(async (transaction) => {
      await insert.run(transaction, { name: 'hidden', policy: null });
      found = find.run(kysely, { name: 'hidden' });
      kept = insert.run(kysely, { name: 'kept', policy: null });
      // The others have time to run, if they do not wait.
      await setImmediate();
      throw new Error('undo it');
    });
    await expect(failing).rejects.toThrow('undo it');
    expect(await found).toEqual([]);
    await kept;
    expect(await find.run(kysely, { name: 'kept' })).toHaveLength(1);
  });

  it('takes a limit from its values', async () => {
    const some = new PreparedQuery((kysely, { count }: { readonly count: number }) =>
      kysely.selectFrom('tenants').select('name').limit(limitOf(count)),
    );
    const { kysely } = store.database;
    expect(await some.run(kysely, { count: 1 })).toHaveLength(1);
    expect(await some.run(kysely, { count: 2 })).toHaveLength(2);
  });
});
