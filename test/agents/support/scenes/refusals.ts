import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeFolders } from '../../../clients/support/folders.js';
import type { Rig } from '../../../clients/support/rig.js';
import type { RealAgent } from '../agents.js';
import { askAgent, streamAgent } from '../ask.js';
import { startAgentRig } from '../rig.js';
import { TRAITS } from '../traits.js';

/** What a caller sees of a turn whose model's provider refuses. */
export function describeRefusals(agent: RealAgent): void {
  const { refused } = TRAITS[agent.name];

  describe(`A turn of ${agent.name} whose model is refused`, () => {
    let rig: Rig;
    beforeAll(async () => {
      rig = await startAgentRig(agent);
    });
    afterAll(async () => {
      await rig.close();
      await removeFolders();
    });

    const TYPES = {
      400: 'invalid_request_error',
      401: 'authentication_error',
      429: 'rate_limit_error',
      529: 'overloaded_error',
    } as const;

    const expectError = async (status: keyof typeof TYPES, thread: string): Promise<void> => {
      const stream = streamAgent(rig, thread, `SCENE:fail ${status} ${TYPES[status]}`);
      await expect.poll(() => stream.closed, { timeout: 100_000 }).toBe(true);
      // A stream that has begun ends with the error; one that has not is a response of its status.
      expect(stream.text).toContain(`"error":{"type":"${refused[status]}"`);
    };

    it.each([400, 401] as const)('with %i ends with an error', (status) => expectError(status, 'refused'));

    it('goes on with the next turn when it is not refused any more', async () => {
      expect((await askAgent(rig, 'refused', 'SCENE:text Fine again')).text).toBe('Fine again');
    });

    describe('whenever it is asked', () => {
      beforeAll(async () => {
        await rig.server.stop();
        // Most agents try again in silence, longer than a test should wait.
        rig = await rig.startAgain({ CHIRON_HARNESS_STALL_SECONDS: '12' });
      });

      it.concurrent.each([429, 529] as const)('with %i ends with an error', (status) =>
        expectError(status, `refused-${status}`),
      );
    });
  });
}
