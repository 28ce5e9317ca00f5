import { describe } from 'vitest';
import { reasonToSkip } from '../../security/support.js';
import { type RealAgent, reasonToSkipAgent } from './agents.js';
import { describeCallerTools } from './scenes/caller-tools.js';
import { describeRefusals } from './scenes/refusals.js';
import { describeSandbox, SANDBOX } from './scenes/sandbox.js';
import { describeSurvival } from './scenes/survival.js';
import { describeTalk } from './scenes/talk.js';

/** Describes scenes of an agent. */
export type DescribeScene = (agent: RealAgent) => void;

/** All that is tried with every agent, and `more`. */
export async function describeAgent(agent: RealAgent, ...more: readonly DescribeScene[]): Promise<void> {
  const noSandbox = reasonToSkipAgent(agent) ?? (await reasonToSkip(SANDBOX, [agent.command]));
  describeScenes(agent, describeTalk, describeSurvival, describeRefusals, describeCallerTools, ...more, () =>
    describeSandbox(agent, noSandbox),
  );
}

/** Some scenes of an agent, skipped where it is not installed. */
export function describeScenes(agent: RealAgent, ...scenes: readonly DescribeScene[]): void {
  const reason = reasonToSkipAgent(agent);
  if (reason !== undefined && process.env['CHIRON_TEST_REQUIRE_CLIENTS'] === '1') throw new Error(reason);
  if (reason !== undefined) process.stderr.write(`Skipped, because ${reason}.\n`);
  describe.skipIf(reason !== undefined)(agent.name, () => {
    for (const scene of scenes) scene(agent);
  });
}
