import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ISOLATING_KINDS, reasonToSkip, removeFolders, startTarget, type Target } from './support.js';

for (const kind of ISOLATING_KINDS) {
  const skipReason = await reasonToSkip(kind);

  describe.skipIf(skipReason !== undefined)(`In the sandbox ${kind}, a thread`, () => {
    let target: Target;

    beforeAll(async () => {
      target = await startTarget(kind, {
        CHIRON_THREAD_PROCESSES: '60',
        CHIRON_THREAD_OPEN_FILES: '128',
        CHIRON_THREAD_MEMORY_MB: '200',
      });
    });

    afterAll(async () => {
      await target.close();
      await removeFolders();
    });

    it('starts no more processes than it may, and other threads go on', async () => {
      const forks = 'n=0; while [ $n -lt 200 ] && (sleep 5 & ) 2>/dev/null; do n=$((n+1)); done; echo made $n';
      const made = target.run('mallory', 'forks', forks);
      expect(await target.run('alice', 'other', 'sh -c "echo still here"')).toContain('still here');
      expect(Number(/made (\d+)/.exec(await made)?.[1] ?? 0)).toBeLessThan(70);
    });

    it('opens no more files than it may', async () => {
      const script =
        'import os\nfds=[]\ntry:\n  while True: fds.append(os.open("/dev/null",0))\nexcept OSError: print("opened", len(fds))';
      expect(
        Number(/opened (\d+)/.exec(await target.run('mallory', 'files', `python3 -c '${script}'`))?.[1]),
      ).toBeLessThan(130);
    });

    const canLimitMemory = () => !target.server.output().includes('CHIRON_THREAD_MEMORY_MB does not hold');

    it('has the command ended that takes more memory than it may, and goes on', async () => {
      if (!canLimitMemory()) return console.log('Not tried: the server may not make control groups here.');
      const output = await target.run(
        'mallory',
        'memory',
        `python3 -c 'x = bytearray(400_000_000); print(len(x))'; echo status $?; echo after`,
      );
      expect(output).toMatch(/status 137\nafter/);
      expect(output).not.toContain('400000000');
      expect(readFileSync(`/proc/${target.server.pid}/status`, 'utf8')).toMatch(/State:\s+[SR]/);
    });
  });
}
