import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newSharedFolder, removeFolders, type SharedFolder } from '../../../clients/support/folders.js';
import { killThreadProcesses, threadProcesses } from '../../../clients/support/processes.js';
import type { Rig } from '../../../clients/support/rig.js';
import type { RealAgent } from '../agents.js';
import { askAgent, askedSince, streamAgent, textsOfBlocks } from '../ask.js';
import { startAgentRig } from '../rig.js';
import { sessionOf } from '../session.js';

/** How long a new process and a turn may take on a busy machine. */
const PATIENCE = { timeout: 100_000 };

/** What a caller sees when processes end. */
export function describeSurvival(agent: RealAgent): void {
  describe(`A thread of ${agent.name} whose process ends`, () => {
    let rig: Rig;
    let log: string;
    let shared: SharedFolder;
    beforeEach(async () => {
      shared = await newSharedFolder('log');
      log = join(shared.path, 'log');
    });
    afterEach(() => rig.close());
    afterAll(removeFolders);

    /** Begins a turn whose command has run, and whose last answer is being said. */
    const begin = async () => {
      await askAgent(rig, 'survivor', 'SCENE:text I saw a heron');
      const stream = streamAgent(rig, 'survivor', `SCENE:slow-tool echo ran >> ${log}; echo done`);
      await expect.poll(() => stream.text, PATIENCE).toContain('word4 ');
      return stream;
    };

    /** Expects one turn, whose command has run once and whose message is whole, and a thread that knows all of it. */
    const expectWhole = async (): Promise<void> => {
      const session = sessionOf(rig, 'survivor');
      await expect
        .poll(() => session.turns(), PATIENCE)
        .toMatchObject([{ status: 'completed' }, { status: 'completed' }]);
      const blocks = await session.newestBlocks();
      expect(blocks.filter(({ type }) => type === 'mcp_tool_use')).toHaveLength(1);
      expect(blocks.filter(({ type }) => type === 'mcp_tool_result')).toHaveLength(1);
      const words = textsOfBlocks(blocks).match(/word\d+/g);
      expect(words).toEqual(Array.from({ length: 20 }, (_, index) => `word${index}`));
      expect(await readFile(log, 'utf8')).toBe('ran\n');
      const before = rig.model.requests.length;
      expect((await askAgent(rig, 'survivor', 'SCENE:text Nothing happened')).text).toBe('Nothing happened');
      expect(askedSince(rig, before)).toContain('I saw a heron');
      expect(askedSince(rig, before)).toContain('word19');
    };

    it('because it was idle goes on in a new one, and tells nothing twice', async () => {
      rig = await startAgentRig(agent, { CHIRON_MAX_WARM_HARNESSES: '0' });
      await askAgent(rig, 'idle', 'SCENE:text I saw a heron');
      await expect.poll(() => threadProcesses(rig.server.dataDirectory)).toEqual([]);
      const before = rig.model.requests.length;
      const { blocks } = await askAgent(rig, 'idle', 'SCENE:tool echo hi');
      expect(blocks.filter(({ type }) => type === 'mcp_tool_use')).toHaveLength(1);
      expect(textsOfBlocks(blocks)).toBe('Let me run it.It printed "hi".');
      expect(askedSince(rig, before)).toContain('I saw a heron');
    });

    it('by SIGKILL in the middle of a turn finishes that, and runs no command again', async () => {
      rig = await startAgentRig(agent, shared.setting);
      const stream = await begin();
      await killThreadProcesses(rig.server.dataDirectory);
      await expect.poll(() => stream.ended, PATIENCE).toBe(true);
      await expectWhole();
    });

    it('with the server by SIGKILL in the middle of a turn finishes that, and runs no command again', async () => {
      rig = await startAgentRig(agent, shared.setting);
      await begin();
      await rig.server.kill();
      rig = await rig.startAgain();
      await expectWhole();
    });
  });
}
