import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestApp } from '../support/test-app.js';
import { ANTHROPIC, getFrom, OPENAI, type Page, startWithKeys, uploadTo } from './support/files.js';

let app: TestApp;

describe('the list of files', () => {
  const ids: string[] = [];

  beforeAll(async () => {
    app = await startWithKeys();
    for (let number = 0; number < 5; number += 1) ids.unshift(await uploadTo(app, String(number), `${number}.txt`));
  });

  afterAll(() => app.close());

  const page = async (query: string, headers: Readonly<Record<string, string>>): Promise<Page> =>
    (await getFrom(app, `/v1/files?${query}`, headers).expect(200)).body as Page;
  const idsOf = ({ data }: Page): readonly string[] => data.map(({ id }) => id);

  it('is paged by ids, and by the cursor of newer clients', async () => {
    const first = await page('limit=2', ANTHROPIC);
    expect([idsOf(first), first.has_more]).toEqual([ids.slice(0, 2), true]);
    expect([first.first_id, first.last_id, first.next_page]).toEqual([ids[0], ids[1], ids[1]]);
    const second = await page(`limit=2&after_id=${first.last_id}`, ANTHROPIC);
    expect(idsOf(second)).toEqual(ids.slice(2, 4));
    expect(idsOf(await page(`limit=2&page=${String(second.next_page)}`, ANTHROPIC))).toEqual(ids.slice(4));
    const before = await page(`limit=2&before_id=${String(ids[3])}`, ANTHROPIC);
    expect([idsOf(before), before.has_more]).toEqual([ids.slice(1, 3), true]);
    const some = new URLSearchParams(
      [ids[4] ?? '', `file_${'0'.repeat(32)}`, 'x'].map((id): [string, string] => ['ids[]', id]),
    );
    expect(idsOf(await page(some.toString(), ANTHROPIC))).toEqual([ids[4]]);
  });

  it('is paged in the form of OpenAI’s API', async () => {
    const first = await page('limit=2', OPENAI);
    expect([first, idsOf(first), first.has_more]).toMatchObject([{ object: 'list' }, ids.slice(0, 2), true]);
    expect(idsOf(await page(`limit=10&after=${String(ids[1])}`, OPENAI))).toEqual(ids.slice(2));
    expect(idsOf(await page('order=asc', OPENAI))).toEqual(ids.toReversed());
    expect(idsOf(await page('purpose=vision', OPENAI))).toEqual([]);
  });

  it.each(['limit=0', 'limit=x', 'after_id=x', `after_id=file_${'0'.repeat(32)}&before_id=file_${'0'.repeat(32)}`])(
    'refuses %s',
    async (query) => {
      const { body } = await getFrom(app, `/v1/files?${query}`, ANTHROPIC).expect(400);
      expect(body).toMatchObject({ error: { type: 'invalid_request_error' } });
    },
  );
});
