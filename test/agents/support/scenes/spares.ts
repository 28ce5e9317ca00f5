import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { removeFolders } from '../../../clients/support/folders.js';
import { threadProcesses } from '../../../clients/support/processes.js';
import type { Rig } from '../../../clients/support/rig.js';
import type { RealAgent } from '../agents.js';
import { askAgent, askedSince } from '../ask.js';
import { startAgentRig } from '../rig.js';

/** What a caller sees of processes that are started ahead. */
export function describeSpares(agent: RealAgent): void {
  describe(`A spare process of ${agent.name}`, () => {
    let rig: Rig;
    afterEach(() => rig.close());
    afterAll(removeFolders);

    it('serves the next new thread, with its model and its instructions, and the thread goes on', async () => {
      rig = await startAgentRig(agent, { CHIRON_POOL_SIZE: '1' });
      const isReady = async (): Promise<boolean> =>
        /^chiron_spare_processes 1$/m.test(await (await fetch(`${rig.server.url}/metrics`)).text());
      await expect.poll(isReady, { timeout: 60_000 }).toBe(true);
      const before = await threadProcesses(rig.server.dataDirectory);
      const first = await askAgent(rig, 'spared', 'SCENE:tool echo "key $CENTAUR_THREAD_KEY"', {
        system: 'Speak in rhymes.',
      });
      // Copilot 1.0.102 takes BASH_ENV out of what its commands get, and with it the variables of a thread that came later.
      const key = agent.name === 'copilot' ? 'key' : 'key agents:spared';
      expect(first).toMatchObject({ status: 200, text: expect.stringContaining(`"${key}"`) });
      expect(askedSince(rig, 0)).toContain('Speak in rhymes.');
      const after = new Set(await threadProcesses(rig.server.dataDirectory));
      expect(before.filter((pid) => after.has(pid))).not.toEqual([]);
      expect((await askAgent(rig, 'spared', 'SCENE:text again')).text).toBe('again');
    });
  });
}
