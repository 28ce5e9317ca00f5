import { expect, it } from 'vitest';
import { computeDefaultConnections, readOpenFilesLimit } from './connections.js';

it.each([
  [256, 28],
  [1024, 412],
  [20_200, 10_000],
  [1_048_576, 10_000],
  [Infinity, 10_000],
  [64, 1],
])(
  'with %s file descriptors, allows %d connections by default and reserves the rest for agents and the store',
  (descriptors, connections) => {
    expect(computeDefaultConnections(descriptors)).toBe(connections);
  },
);

it('reads the file descriptor limit of the process', () => {
  expect(readOpenFilesLimit()).toBeGreaterThan(100);
});
