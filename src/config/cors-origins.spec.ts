import { expect, it } from 'vitest';
import { parseCorsOrigins } from './cors-origins.js';

it.each([
  ['https://App.Example:443/, http://localhost:3000', ['https://app.example', 'http://localhost:3000']],
  ['http://a.example:80,http://a.example:443', ['http://a.example', 'http://a.example:443']],
  ['chrome-extension://abcdef, app://obsidian.md', ['chrome-extension://abcdef', 'app://obsidian.md']],
  ['http://[::1]:3000', ['http://[::1]:3000']],
  [' * ', '*'],
])('normalizes the origins in "%s" as browsers do', (text, origins) => {
  expect(parseCorsOrigins(text)).toEqual({ value: origins });
});

it.each([
  'app.example',
  'https://app.example/path',
  'https://a.example,*',
  'null',
  'https://*.example/x',
  'https://u:p@a',
])('rejects "%s" as a list of origins', (text) => expect(parseCorsOrigins(text)).toHaveProperty('expected'));
