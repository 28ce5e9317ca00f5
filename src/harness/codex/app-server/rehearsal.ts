import type { HarnessThread } from '../../harness.js';
import type { JsonObject } from '../../../domain/harness-event.js';
import { isProcessGone } from '../../json-rpc/json-rpc-error.js';
import type { AppServer } from './app-server.js';
import { toCodexConversation } from './connection.js';
import { toThreadParameters } from './launch.js';
import { readCodexConfig, withConfig } from './open-conversation.js';

/** A model provider that is nowhere, so that no model can be asked for what is only a rehearsal. */
const NOWHERE: JsonObject = {
  model_provider: 'nowhere',
  'model_providers.nowhere': { name: 'nowhere', base_url: 'http://127.0.0.1:9', wire_api: 'responses' },
};

/** What may start programs or talk to others besides the deployment's MCP servers, which are off as well. */
const ALONE: JsonObject = { 'features.plugins': false, 'features.apps': false, 'features.hooks': false };

/** Codex writes a conversation once it has an item. */
const ITEM: JsonObject = { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'rehearsal' }] };

/**
 * Has a server open, record and delete a conversation, so that the first real one finds done what is done once: the database of recorded turns is made
 * then, which is most of it, the skills are read and watched, and the folders of the recordings are there. Nothing of the conversation is left (0.169.0,
 * all seen).
 *
 * @throws JsonRpcError if the conversation may be left, or the server has exited.
 */
export async function rehearse(server: AppServer, { folders }: Pick<HarnessThread, 'folders'>): Promise<void> {
  const threadId = await openRehearsal(server, folders);
  if (threadId === undefined) return;
  await server.request('thread/inject_items', { threadId, items: [ITEM] });
  await server.request('thread/delete', { threadId });
}

/** The name of the conversation; `undefined` if the deployment's settings do not allow it. */
async function openRehearsal(server: AppServer, folders: HarnessThread['folders']): Promise<string | undefined> {
  try {
    const config = await readCodexConfig(server, { folders });
    // Without an environment, no shell is started for it.
    const parameters = toThreadParameters({ folders, tools: 'none', model: undefined }, null, config);
    const started = await server.request('thread/start', withConfig(parameters, { ...NOWHERE, ...ALONE }));
    return toCodexConversation(started, false).threadId;
  } catch (error) {
    if (isProcessGone(error)) throw error;
    return undefined;
  }
}
