import { join } from 'node:path';
import { renderKnownTurns } from '../../domain/known-turns.js';
import { KNOWN_TURNS_HEADER, THREAD_KEY_HEADER } from '../../http/thread-headers.js';
import { renderRollout, toRolloutPath } from './codex-rollout.js';
import type { JoinClient, JoinedThread } from './join-client.js';

/** The name of the server among the providers of Codex's models, as in `/codex/config`. */
const PROVIDER = 'chiron';

/** The variable with the key, as there. */
const KEY_VARIABLE = 'CHIRON_API_KEY';

/** Codex does not start without a value for its key. */
const NO_KEY = 'none';

/**
 * Goes on with a thread in Codex: a rollout in the user's home of Codex, and a provider on the command line, so that the user's configuration stays
 * as it is. [Codex 0.169.0]
 */
export const codexJoin: JoinClient = {
  name: 'codex',
  displayName: 'Codex',
  installLine: 'npm install -g @openai/codex',
  plan: (thread, { cwd, sessionId, home, env, now }) => {
    const { turns, server, note, codexModels } = thread;
    const folder = env['CODEX_HOME'] || join(home, '.codex');
    const path = join(folder, toRolloutPath(sessionId, now));
    const rollout = renderRollout(turns, { sessionId, cwd, provider: PROVIDER, now: now.toISOString(), note });
    const catalog = codexModels === undefined ? undefined : join(folder, 'chiron-models.json');
    const isEmpty = turns.length === 0;
    return {
      files: [
        ...(isEmpty ? [] : [{ path, text: rollout }]),
        ...(catalog === undefined ? [] : [{ path: catalog, text: JSON.stringify(codexModels) }]),
      ],
      transcript: isEmpty ? undefined : path,
      start: {
        program: 'codex',
        args: [...(isEmpty ? [] : ['resume', sessionId]), ...toSettings(thread, catalog).flatMap((one) => ['-c', one])],
        variables: { [KEY_VARIABLE]: server.key ?? NO_KEY },
        unset: [],
        keyVariable: server.key === undefined ? undefined : KEY_VARIABLE,
      },
    };
  },
};

/** Settings in TOML, whose strings are those of JSON. */
function toSettings({ key, known, model, server }: JoinedThread, catalog: string | undefined): readonly string[] {
  const headers = [
    [THREAD_KEY_HEADER, key],
    ...(known === undefined ? [] : [[KNOWN_TURNS_HEADER, renderKnownTurns(known)]]),
  ].map(([name, value]) => `${JSON.stringify(name)} = ${JSON.stringify(value)}`);
  const provider = [
    'name = "Chiron"',
    `base_url = ${JSON.stringify(`${server.url}/v1`)}`,
    'wire_api = "responses"',
    `env_key = "${KEY_VARIABLE}"`,
    'stream_idle_timeout_ms = 600000',
    `http_headers = { ${headers.join(', ')} }`,
  ];
  return [
    `model = ${JSON.stringify(model)}`,
    `model_provider = "${PROVIDER}"`,
    ...(catalog === undefined ? [] : [`model_catalog_json = ${JSON.stringify(catalog)}`]),
    'web_search = "disabled"',
    `model_providers.${PROVIDER} = { ${provider.join(', ')} }`,
  ].map((setting) => setting.replace(' = ', '='));
}
