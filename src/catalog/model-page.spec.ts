import { describe, expect, it } from 'vitest';
import { paginate, parsePageQuery, includesActive } from './model-page.js';

const LIST = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ id }));
const get = (query: Record<string, unknown>) => {
  const { data, ...rest } = paginate(LIST, parsePageQuery(query));
  return { ids: data.map(({ id }) => id).join(''), ...rest };
};

describe('a page of a list', () => {
  it.each([
    [{}, 'abcde', false],
    [{ limit: '2' }, 'ab', true],
    [{ limit: '5' }, 'abcde', false],
    [{ limit: '2', after_id: 'b' }, 'cd', true],
    [{ limit: '2', after_id: 'c' }, 'de', false],
    [{ limit: '2', before_id: 'd' }, 'bc', true],
    [{ limit: '2', before_id: 'c' }, 'ab', false],
    [{ limit: '3', before_id: 'b' }, 'a', false],
    [{ after_id: '' }, 'abcde', false],
  ])('for %j is %s', (query, ids, hasMore) => {
    expect(get(query)).toEqual({ ids, has_more: hasMore, first_id: ids[0], last_id: ids.at(-1) });
  });

  it('beyond the end has no ids', () => {
    expect(get({ after_id: 'e' })).toEqual({ ids: '', has_more: false, first_id: null, last_id: null });
    expect(get({ before_id: 'a' })).toEqual({ ids: '', has_more: false, first_id: null, last_id: null });
  });

  it.each([
    [{ limit: '0' }, /^limit: /],
    [{ limit: '1001' }, /^limit: /],
    [{ limit: '-1' }, /^limit: /],
    [{ limit: '1.5' }, /^limit: /],
    [{ limit: 'all' }, /^limit: /],
    [{ limit: ['1', '2'] }, /^limit: /],
    [{ after_id: 'x' }, /^after_id: /],
    [{ before_id: 'x' }, /^before_id: /],
    [{ after_id: 'a', before_id: 'b' }, /^after_id: /],
  ])('is refused for %j', (query, message) => {
    expect(() => get(query)).toThrow(message);
  });

  it('may have 1 to 1000 elements, 20 by default', () => {
    expect(parsePageQuery({}).limit).toBe(20);
    expect(parsePageQuery({ limit: '1000' }).limit).toBe(1000);
  });
});

describe('the lifecycle filter', () => {
  it.each([
    [{}, true],
    [{ lifecycle: 'active' }, true],
    [{ 'lifecycle[]': ['retired', 'active'] }, true],
    [{ 'lifecycle[]': 'retired' }, false],
  ])('includes active models in %j: %s', (query, wants) => {
    expect(includesActive(query)).toBe(wants);
  });

  it('rejects unknown lifecycles', () => {
    expect(() => includesActive({ lifecycle: 'newest' })).toThrow(/^lifecycle: /);
  });
});
