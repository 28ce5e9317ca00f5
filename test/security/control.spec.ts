import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ATTACKS, type Knowledge, learn, NETWORK_ATTACKS } from './attacks.js';
import { removeFolders, startTarget, type Target } from './support.js';

/** They need something that this machine may not have, or fail for any user. */
const FAIL_ANYWHERE = [
  'reads the command line of every process for keys and prompts',
  'becomes root by a program that has the right',
  'reaches the cloud’s metadata service by the proxy',
  'calls the server’s own port by the proxy, under every name',
  'asks the model provider for more than answers',
];

// An attack that fails without a sandbox shows nothing of a sandbox. The server's user has to have all rights for some of them.
describe.skipIf(process.getuid?.() !== 0)('Without a sandbox, the same command', () => {
  let target: Target;
  let known: Knowledge;

  beforeAll(async () => {
    target = await startTarget('local');
    known = await learn(target);
  });

  afterAll(async () => {
    await target.close();
    await removeFolders();
  });

  const attacks = [...ATTACKS, ...NETWORK_ATTACKS].filter(
    ({ title, isHarmful }) => isHarmful !== true && !FAIL_ANYWHERE.includes(title),
  );

  it.each(attacks)('$title: and succeeds', async ({ command, repelled }) => {
    expect(await target.run('mallory', 'attacker', command(known))).not.toMatch(repelled);
  });
});
