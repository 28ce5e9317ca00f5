import { expect, it } from 'vitest';
import { renderTable } from './render-table.js';

it('aligns columns, shows a dash for nothing, and lets no cell control the terminal', () => {
  const rows = [
    ['key_1', null, 3],
    ['key_22', 'red \u001B[31m', 10],
  ] as const;
  expect(renderTable(['id', 'name', 'count'], rows)).toBe(
    ['id      name       count', 'key_1   -          3', 'key_22  red ?[31m  10'].join('\n'),
  );
});

it('has its titles when there are no rows', () => {
  expect(renderTable(['id', 'name'], [])).toBe('id  name');
});
