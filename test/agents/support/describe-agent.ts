import { describe } from 'vitest';
import type { RealAgent } from './agents.js';
import { reasonToSkipAgent } from './agents.js';
import { describeCallerTools } from './scenes/caller-tools.js';
import { describeRefusals } from './scenes/refusals.js';
import { describeSurvival } from './scenes/survival.js';
import { describeTalk } from './scenes/talk.js';

/** All that is tried with an agent. */
export function describeAgent(agent: RealAgent): void {
  const reason = reasonToSkipAgent(agent);
  if (reason !== undefined && process.env['CHIRON_TEST_REQUIRE_CLIENTS'] === '1') throw new Error(reason);
  if (reason !== undefined) process.stderr.write(`Skipped, because ${reason}.\n`);
  describe.skipIf(reason !== undefined)(agent.name, () => {
    describeTalk(agent);
    describeSurvival(agent);
    describeRefusals(agent);
    describeCallerTools(agent);
  });
}
