import { describe, expect, it } from 'vitest';
import { parseUsageQuery } from './usage-query.js';

describe(parseUsageQuery.name, () => {
  it('asks for one sum of everything, as JSON, when it is empty', () => {
    const nothing = { from: undefined, to: undefined, groups: [], tenant: undefined, format: 'json' };
    expect(parseUsageQuery({})).toEqual(nothing);
    expect(parseUsageQuery({ from: '', group_by: '', format: '', tenant: '' })).toEqual(nothing);
  });

  it('has days, groups in their order, a tenant and a form', () => {
    const query = {
      from: '2028-02-29',
      to: '2028-02-29',
      group_by: 'model, day,tenant',
      tenant: 'acme',
      format: 'csv',
    };
    expect(parseUsageQuery(query)).toEqual({
      from: '2028-02-29',
      to: '2028-02-29',
      groups: ['model', 'day', 'tenant'],
      tenant: 'acme',
      format: 'csv',
    });
  });

  it('follows the caller’s preference only where the query says no form', () => {
    expect(parseUsageQuery({}, true).format).toBe('csv');
    expect(parseUsageQuery({ format: 'json' }, true).format).toBe('json');
  });

  it.each([
    [{ from: '2027-02-30' }, 'from: must be a day like 2027-01-31'],
    [{ to: '2027-1-31' }, 'to: must be a day like 2027-01-31'],
    [{ to: 'today' }, 'to: must be a day like 2027-01-31'],
    [{ from: '2027-01-31T00:00:00Z' }, 'from: must be a day like 2027-01-31'],
    [{ from: ['2027-01-31', '2027-01-31'] }, 'from: must be given once'],
    [{ from: '2027-02-01', to: '2027-01-31' }, 'from: must not be after to'],
    [{ group_by: 'colour' }, 'group_by: must be a comma-separated list of tenant, key, user, model, harness, day'],
    [{ group_by: 'day,' }, 'group_by: must be a comma-separated list of'],
    [{ group_by: 'day,day' }, 'group_by: must be a comma-separated list of'],
    [{ group_by: 'toString' }, 'group_by: must be a comma-separated list of'],
    [{ format: 'xml' }, 'format: must be json or csv'],
  ])('is refused: %j', (query, problem) => {
    expect(() => parseUsageQuery(query)).toThrow(problem);
  });
});
