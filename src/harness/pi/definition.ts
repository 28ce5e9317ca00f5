import type { HarnessDefinition } from '../definition.js';
import { PiHarness } from './pi.harness.js';
import { piProvider } from './provider.js';

/** Pi. */
export const pi: HarnessDefinition = {
  name: 'pi',
  displayName: 'pi',
  sessionType: 'pi',
  program: {
    variable: 'CHIRON_PI_BIN',
    fallback: 'pi',
    doc: 'pi: a path, or a name in `CHIRON_AGENTS_DIR` or on `PATH`.',
  },
  npmPackage: { name: '@earendil-works/pi-coding-agent', version: '1.6.0', hasInstallScript: false },
  // What each process gets is a folder in it (`process/agent-folder.ts`).
  home: { PI_CODING_AGENT_DIR: '.pi' },
  // The name that centaur gives it, whichever agent runs.
  modelVariable: 'CLAUDE_MODEL',
  // `models.json` may name a provider of its own, with a key.
  login: {
    variables: ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'ANTHROPIC_OAUTH_TOKEN', 'OPENAI_API_KEY'],
    files: ['.pi/agent/auth.json', '.pi/agent/models.json'],
  },
  notInSnapshots: [
    // Made anew for each process; may have a login.
    ...['home/.pi/chiron', 'server/pi'],
    ...['home/.pi/agent/auth.json', 'home/.pi/agent/models.json'],
  ],
  provider: piProvider,
  create: ({ sandbox, command }) => new PiHarness(sandbox, command),
};
