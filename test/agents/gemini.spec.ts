import { AGENTS } from './support/agents.js';
import { describeAgent } from './support/describe-agent.js';
import { describeSpares } from './support/scenes/spares.js';

await describeAgent(AGENTS.gemini, describeSpares);
