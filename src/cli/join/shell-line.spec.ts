import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { renderLine } from './shell-line.js';

describe('the line that starts a client', () => {
  it('means the same to a shell, whatever the values, and has no key', () => {
    const headers = `x-key: it's $HOME \\ "é"\nx-other: b\tc`;
    const line = renderLine(
      {
        program: process.execPath,
        args: ['-e', 'console.log(JSON.stringify([process.env, process.cwd()]))', '--', "a'b"],
        variables: { HEADERS: headers, TOKEN: 'the-secret' },
        unset: ['OTHER'],
        keyVariable: 'TOKEN',
      },
      '/',
      'OWN_KEY',
    );
    expect(line).not.toContain('the-secret');
    expect(line.split('\n')).toHaveLength(1);
    const env = { PATH: process.env['PATH'] ?? '', OWN_KEY: 'k e y', OTHER: 'x' };
    const [seen, cwd] = JSON.parse(execFileSync('bash', ['-c', line], { env, encoding: 'utf8' })) as [object, string];
    expect([seen, cwd]).toMatchObject([{ HEADERS: headers, TOKEN: 'k e y' }, '/']);
    expect(seen).not.toHaveProperty('OTHER');
  });
});
