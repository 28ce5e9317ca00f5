import { expect, it } from 'vitest';
import { defaultConnections, openFilesLimit } from './connections.js';

it.each([
  [256, 28],
  [1024, 412],
  [20_200, 10_000],
  [1_048_576, 10_000],
  [Infinity, 10_000],
  [64, 1],
])('%d file descriptors are for %d connections, as agents and the store need some, too', (descriptors, connections) => {
  expect(defaultConnections(descriptors)).toBe(connections);
});

it('knows how many file descriptors there are', () => {
  expect(openFilesLimit()).toBeGreaterThan(100);
});
