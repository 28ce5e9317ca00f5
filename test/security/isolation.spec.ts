import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { attacksOn, type Knowledge, learn } from './attacks.js';
import {
  findProcesses,
  ISOLATING_KINDS,
  isStopped,
  MARKERS,
  reasonToSkip,
  removeFolders,
  startTarget,
  type Target,
} from './support.js';

for (const kind of ISOLATING_KINDS) {
  const skipReason = await reasonToSkip(kind);

  describe.skipIf(skipReason !== undefined)(`In the sandbox ${kind}, a hostile command`, () => {
    let target: Target;
    let known: Knowledge;

    beforeAll(async () => {
      target = await startTarget(kind);
      known = await learn(target);
    });

    afterAll(async () => {
      await target.close();
      await removeFolders();
    });

    const attack = (command: string) => target.run('mallory', 'attacker', command);

    it.each(attacksOn(kind))('$title: and fails', async ({ command, repelled }) => {
      expect(await attack(command(known))).toMatch(repelled);
      // The server lives, and the other tenant's thread has what it had.
      expect((await fetch(`${target.server.url}/readyz`)).status).toBe(200);
      expect(isStopped(known.pid)).toBe(false);
      expect(await target.run('alice', 'victim', 'cat secret; ls')).toMatch(
        new RegExp(`^${MARKERS.prompt}\n(?!.*planted)`, 's'),
      );
    });

    it('cannot change what the server writes for the agent', async () => {
      expect(
        await attack(
          'touch /run/thread/planted || touch "$(dirname "$HOME")/server/planted" && echo REACHED || echo refused',
        ),
      ).toContain('refused');
    });

    it('leaves no process behind, whatever it does to hide one', async () => {
      const name = `hidden-${kind}`;
      await attack(
        `setsid env -i sh -c '(exec -a x sh -c "sleep 987; : ${name}" </dev/null >/dev/null 2>&1 &)'; sleep 0.2; echo started`,
      );
      await eventually(() => findProcesses(name)).toEqual([]);
      await eventually(() => findProcesses('sleep\u0000987')).toEqual([]);
    });

    it('leaves the files of its thread to the server, which can remove them', async () => {
      const folder = await target.folderOf('mallory', 'removed');
      await target.run('mallory', 'removed', 'mkdir -p a/b; touch a/b/c; chmod 000 a/b a; mkfifo fifo; ln -s / link');
      expect((await target.call('mallory', 'DELETE', '/api/session/security:removed')).status).toBe(200);
      expect(existsSync(folder)).toBe(false);
    });

    it('cannot lead the server to files outside by links in its folders', async () => {
      const folder = await target.folderOf('mallory', 'links');
      await target.run(
        'mallory',
        'links',
        'rm -rf ~/.codex; ln -s /etc ~/.codex; rm -rf ~/.claude; ln -s / ~/.claude; ln -s /etc/passwd AGENTS.md; true',
      );
      const before = await stat('/etc');
      expect(await target.run('mallory', 'links', 'ls -d ~/.codex/passwd 2>/dev/null || echo put right')).toContain(
        'put right',
      );
      const after = await stat('/etc');
      expect([after.uid, after.mode]).toEqual([before.uid, before.mode]);
      expect(existsSync(`${folder}/home/.codex`)).toBe(true);
    });

    it('writes a gigabyte without a line end, and the server keeps no more of it than a line may have', async () => {
      expect(await attack('head -c 1000000000 /dev/zero | tr "\\0" x')).toBeDefined();
      const status = await readFile(`/proc/${known.pid}/status`, 'utf8');
      expect(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1])).toBeLessThan(800_000);
    });

    it('ends with the server, however that ends', async () => {
      const other = await startTarget(kind);
      void other
        .run('mallory', 'daemon', `(setsid env -i sh -c 'sleep 876 & wait' </dev/null >/dev/null 2>&1 &); sleep 876`)
        .catch(() => undefined);
      await eventually(async () => (await findProcesses('sleep\u0000876')).length).toBeGreaterThan(1);
      await other.server.kill();
      await eventually(() => findProcesses('sleep\u0000876')).toEqual([]);
    });
  });
}
