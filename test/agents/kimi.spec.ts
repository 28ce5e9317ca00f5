import { AGENTS } from './support/agents.js';
import { describeScenes } from './support/describe-agent.js';
import { describeTalk } from './support/scenes/talk.js';

// Only what it tells differently: it takes up sessions as the others do.
describeScenes(AGENTS.kimi, describeTalk);
