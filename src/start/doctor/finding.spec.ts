import { expect, it } from 'vitest';
import { isHealthy, ok, problem, renderFindings, warning } from './finding.js';

it('Findings are a line each, with what to do below, and a sentence at the end', () => {
  const findings = [ok('node', 'Node works.'), warning('agents', 'Codex was not found.', 'Install it.')];
  expect(renderFindings([...findings, problem('disk', 'The disk is full.')])).toMatchInlineSnapshot(`
    "ok       node      Node works.
    warning  agents    Codex was not found.
                       → Install it.
    problem  disk      The disk is full.

    Problems: 1. Warnings: 1."
  `);
  expect(isHealthy(findings)).toBe(true);
  expect(renderFindings(findings)).toContain('Everything that the server needs works. Warnings: 1.');
});

it('A message of another program does not control the terminal', () => {
  expect(renderFindings([problem('store', 'no\n\u001B[31mstore')])).toContain('no [31mstore');
  expect(isHealthy([problem('store', 'none')])).toBe(false);
});
