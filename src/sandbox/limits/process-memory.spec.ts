import { describe, expect, it } from 'vitest';
import { parseMemoryStatus, readMemory } from './process-memory.js';

describe('the memory of a process', () => {
  it('is what no file backs', () => {
    const text =
      'Name:\tnode\nVmRSS:\t  180000 kB\nRssAnon:\t  100000 kB\nRssFile:\t   79000 kB\nRssShmem:\t    1000 kB\n';
    expect(parseMemoryStatus(text)).toBe(101_000 * 1024);
    expect(parseMemoryStatus('Name:\tdefunct\nState:\tZ (zombie)\n')).toBe(0);
  });

  it('is read of those that live', async () => {
    const memory = await readMemory(new Set([process.pid, 0x7ffffff0]));
    expect([...memory.keys()]).toEqual([process.pid]);
    expect(memory.get(process.pid)).toBeGreaterThan(10_000_000);
  });
});
