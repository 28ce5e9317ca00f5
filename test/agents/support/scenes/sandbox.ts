import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeFolders } from '../../../clients/support/folders.js';
import type { Rig } from '../../../clients/support/rig.js';
import { type Attack, attacksOn, type Knowledge, learn } from '../../../security/attacks.js';
import { MARKERS, type Target, targetEnvironment, targetOf } from '../../../security/support.js';
import { MODEL_KEY, type RealAgent } from '../agents.js';
import { textsOfBlocks } from '../ask.js';
import { startAgentRig } from '../rig.js';
import { isRecord, recordsOf } from '../../../clients/support/json.js';

/** The kind of sandbox that is attacked. */
export const SANDBOX = 'bubblewrap';

/** One command that tries all of them, so that the agent is asked once. */
function allAttacks(attacks: readonly Attack[], known: Knowledge): string {
  return attacks.map(({ command }, index) => `echo "== ${index}"; ( ${command(known)} ) 2>&1`).join('\n');
}

/** What a hostile command reaches that the agent runs in a sandbox; `reason` is why it cannot be tried here. */
export function describeSandbox(agent: RealAgent, reason: string | undefined): void {
  describe.skipIf(reason !== undefined)(`A command of ${agent.name} in the sandbox ${SANDBOX}`, () => {
    let rig: Rig;
    let target: Target;
    beforeAll(async () => {
      rig = await startAgentRig(agent, { ...(await targetEnvironment(SANDBOX)), CHIRON_DEMO: 'on' });
      target = targetOf(
        rig.server,
        'demo',
        (command) => `!${command}`,
        () => rig.close(),
      );
    });
    afterAll(async () => {
      await target.close();
      await removeFolders();
    });

    /** What a command prints that the real agent runs, as its model sees it. Agents look at commands: in base64 they see none. */
    const run = async (command: string): Promise<string> => {
      const encoded = Buffer.from(command).toString('base64');
      const response = await target.call('mallory', 'POST', '/v1/messages', {
        model: agent.name,
        max_tokens: 1000,
        messages: [{ role: 'user', content: `SCENE:tool echo ${encoded} | base64 -d | bash` }],
      });
      const body: unknown = await response.json();
      const text = textsOfBlocks(isRecord(body) ? recordsOf(body['content']) : []);
      const [, printed] = /It printed (".*")\.$/s.exec(text) ?? [];
      if (printed === undefined) throw new Error(JSON.stringify(body));
      // Gemini CLI and Qwen Code give commands a terminal, which makes spaces of tabs.
      return (JSON.parse(printed) as string).replaceAll(/(?<=^[A-Z]\w+:) +/gm, '\t');
    };

    it('fails with every attack', async () => {
      const attacks = attacksOn(SANDBOX);
      const output = await run(allAttacks(attacks, await learn(target)));
      for (const [index, { title, repelled }] of attacks.entries()) {
        const own = output.split(`== ${index}\n`)[1]?.split('\n== ')[0] ?? 'no output';
        expect([title, own]).toEqual([title, expect.stringMatching(repelled)]);
      }
    });

    it('has a placeholder in the place of the deployment’s key, which its model gets', async () => {
      const environment = await run('env; cat /proc/[0-9]*/environ | tr "\\0" "\\n"');
      expect(environment).toContain('HOME=');
      expect(environment).not.toContain(MODEL_KEY);
      expect(environment).not.toContain(MARKERS.server);
      expect(JSON.stringify(rig.model.requests.at(-1)?.headers)).toContain(MODEL_KEY);
    });
  });
}
