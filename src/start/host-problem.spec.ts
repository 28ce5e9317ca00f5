import { expect, it } from 'vitest';
import { findHostProblem } from './host-problem.js';

it.each(['18.20.4', '20.19.0', '22.23.3', '24.14.1'])('reports that Node %s is too old', (version) => {
  expect(findHostProblem(version)).toBe(`Chiron needs Node 24.15 or newer; this is Node ${version}.`);
});

it.each(['24.15.0', '24.21.0', '26.1.0-nightly'])('accepts Node %s', (version) => {
  expect(findHostProblem(version)).toBeUndefined();
});

it('reports a missing shell', () => {
  expect(findHostProblem('24.15.0', '/nowhere/sh')).toBe(
    'Chiron cannot start without /nowhere/sh: it starts every agent with it.',
  );
});
