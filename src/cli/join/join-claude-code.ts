import { join } from 'node:path';
import { renderKnownTurns } from '../../domain/known-turns.js';
import { encodeHeader } from '../../http/header-text.js';
import { KNOWN_TURNS_HEADER, THREAD_KEY_HEADER } from '../../http/thread-headers.js';
import { renderTranscript, toProjectName } from './claude-transcript.js';
import type { JoinClient, JoinedThread } from './join-client.js';
import { HEADERS_VARIABLE } from './server-address.js';

/** They would make Claude Code call a cloud or Anthropic, or ask which of two keys it should use. [2.1.330] */
const OTHER_PROVIDERS = [
  'ANTHROPIC_API_KEY',
  'CLAUDE_CODE_USE_BEDROCK',
  'CLAUDE_CODE_USE_VERTEX',
  'CLAUDE_CODE_USE_FOUNDRY',
];

/** Claude Code needs any token to start without a login. */
const NO_KEY = 'none';

/** Goes on with a thread in Claude Code: a transcript in the project of the folder, and the headers that name the thread. */
export const claudeCodeJoin: JoinClient = {
  name: 'claude',
  displayName: 'Claude Code',
  installLine: 'npm install -g @anthropic-ai/claude-code',
  plan: (thread, { cwd, sessionId, home, env }) => {
    const { turns, server, note, key } = thread;
    const folder = env['CLAUDE_CONFIG_DIR'] || join(home, '.claude');
    const path = join(folder, 'projects', toProjectName(cwd), `${sessionId}.jsonl`);
    const files = [{ path, text: renderTranscript(turns, { sessionId, cwd, title: key, note }) }];
    // It finds no session in a transcript without messages.
    const isEmpty = turns.length === 0;
    return {
      files: isEmpty ? [] : files,
      transcript: isEmpty ? undefined : path,
      start: {
        program: 'claude',
        args: isEmpty ? [] : ['--resume', sessionId],
        variables: {
          ANTHROPIC_BASE_URL: server.url,
          ANTHROPIC_AUTH_TOKEN: server.key ?? NO_KEY,
          [HEADERS_VARIABLE]: [...server.headers, renderHeaders(thread)].join('\n'),
        },
        extended: server.headers.length === 0 ? {} : { [HEADERS_VARIABLE]: `\n${renderHeaders(thread)}` },
        unset: OTHER_PROVIDERS,
        keyVariable: server.key === undefined ? undefined : 'ANTHROPIC_AUTH_TOKEN',
      },
    };
  },
};

/** One header a line. */
function renderHeaders({ key, known }: JoinedThread): string {
  return [
    `${THREAD_KEY_HEADER}: ${encodeHeader(key)}`,
    ...(known === undefined ? [] : [`${KNOWN_TURNS_HEADER}: ${renderKnownTurns(known)}`]),
  ].join('\n');
}
