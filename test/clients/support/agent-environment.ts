import { newFolder } from './folders.js';

/** Where the Claude Code of a Claude Agent SDK runs, and all that it gets of the environment: Chiron's address and an empty home. */
export async function agentEnvironment(url: string) {
  const home = await newFolder('home');
  return {
    cwd: await newFolder('caller'),
    env: {
      PATH: process.env['PATH'],
      HOME: home,
      TMPDIR: home,
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_API_KEY: 'a-key-of-the-caller',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      // Otherwise it rejects `bypassPermissions` as root.
      IS_SANDBOX: '1',
    },
  };
}
