import { describe, expect, it } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import { Gate } from './gate.js';

const target = (host: string) => ({ kind: 'name', host, port: 443 }) as const;

describe(Gate.name, () => {
  it('lets a thread with slow names wait for itself alone', async () => {
    const asked: string[] = [];
    const answers = new Map<string, (addresses: readonly string[]) => void>();
    const gate = new Gate({ network: 'open', allowedHosts: [] }, {}, (name) => {
      asked.push(name);
      return new Promise((resolve) => answers.set(name, resolve));
    });
    const first = gate.admit('t1', target('slow.example'), 'https');
    const second = gate.admit('t1', target('next.example'), 'https');
    const other = gate.admit('t2', target('other.example'), 'https');
    await eventually(() => asked).toEqual(['slow.example', 'other.example']);
    answers.get('other.example')?.(['8.8.8.8']);
    expect(await other).toMatchObject({ kind: 'admitted', addresses: ['8.8.8.8'] });
    answers.get('slow.example')?.(['8.8.4.4']);
    expect(await first).toMatchObject({ kind: 'admitted' });
    await eventually(() => asked).toContain('next.example');
    answers.get('next.example')?.(['10.0.0.1']);
    expect(await second).toMatchObject({ kind: 'refused' });
  });

  it('goes on after a name that cannot be resolved', async () => {
    const gate = new Gate({ network: 'open', allowedHosts: [] }, {}, (name) =>
      name === 'none.example' ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve(['8.8.8.8']),
    );
    const [none, found] = await Promise.all([
      gate.admit('t', target('none.example'), 'https'),
      gate.admit('t', target('a.example'), 'https'),
    ]);
    expect([none, found]).toMatchObject([{ kind: 'unresolved', status: 502 }, { kind: 'admitted' }]);
  });

  it('asks the system for the addresses of a name', async () => {
    const gate = new Gate({ network: 'open', allowedHosts: [] });
    expect(await gate.admit('t', target('localhost'), 'https')).toMatchObject({ kind: 'refused' });
  });
});
