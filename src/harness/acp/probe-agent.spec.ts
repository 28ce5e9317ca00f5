import { expect, it } from 'vitest';
import type { ProgramRun } from '../../sandbox/sandbox.js';
import { probeAgent } from './probe-agent.js';

function probe(command: string, result: ProgramRun) {
  const asked: (readonly string[])[] = [];
  const run = (program: string, args: readonly string[]) => {
    asked.push([program, ...args]);
    return Promise.resolve(result);
  };
  return { version: probeAgent({ run }, command), asked };
}

it('takes the version of an installed npm package without a start of the program', async () => {
  const { version, asked } = probe('node_modules/.bin/vitest', { kind: 'missing' });
  expect(await version).toMatch(/^\d+\.\d+\.\d+/);
  expect(asked).toEqual([]);
});

it.each([
  [{ kind: 'done', output: 'my agent 1.2.3\n' }, '1.2.3'],
  [{ kind: 'done', output: 'usage: my-agent' }, 'unknown'],
  [{ kind: 'failed', problem: 'does not answer' }, 'unknown'],
  [{ kind: 'missing' }, undefined],
] as const)('asks any other program: %j is %j', async (run, version) => {
  const probed = probe('/opt/my-agent', run);
  expect(await probed.version).toBe(version);
  expect(probed.asked).toEqual([['/opt/my-agent', '--version']]);
});
