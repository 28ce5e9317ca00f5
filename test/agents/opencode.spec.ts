import { AGENTS } from './support/agents.js';
import { describeAgent } from './support/describe-agent.js';

await describeAgent(AGENTS.opencode);
