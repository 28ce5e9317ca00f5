import { asObject } from '../../../domain/json.js';
import { toTitle } from '../../../domain/title.js';
import type { ConversationEntry } from '../../../openai/request/conversation-entry.js';
import type { ResponsesCall, SideAnswer } from '../responses-client.js';
import { withoutCodexMarkup } from './markup.js';
import { readCodexMetadata } from './turn-metadata.js';

/** The limit of Codex's schema. */
const MAX_TITLE_CHARS = 36;

/** The harness keeps its own record of the conversation, so that the summary need not hold it. */
const SUMMARY = 'The conversation so far is kept by the server, whose agent remembers all of it.';

/**
 * Says how Codex's requests beside its conversation are answered, as they must not reach the thread [Codex 0.169.0]:
 *
 * | sign                                                             | the request is                    | answer                 |
 * | ---------------------------------------------------------------- | --------------------------------- | ---------------------- |
 * | the last item of the input is `compaction_trigger`               | for a compaction by the server    | a `compaction` item    |
 * | `request_kind` is `compaction`                                   | for a summary                     | a sentence             |
 * | `thread_source` is `thread_title`                                | for a title                       | the user's first words |
 * | another `request_kind` than `turn`, or `thread_source` than `user` and `subagent` | for something of its own | an agent without tools |
 */
export function answerCodexSideRequest(
  call: ResponsesCall,
  entries: readonly ConversationEntry[],
): SideAnswer | undefined {
  const { input } = call.body;
  if (typeof input !== 'string' && asObject(input.at(-1))['type'] === 'compaction_trigger')
    return { kind: 'compaction' };
  const { requestKind = 'turn', threadSource = 'user' } = readCodexMetadata(call);
  if (requestKind === 'compaction') return { kind: 'text', text: SUMMARY };
  if (threadSource === 'thread_title') return { kind: 'text', text: JSON.stringify({ title: titleOf(entries) }) };
  return requestKind === 'turn' && ['user', 'subagent'].includes(threadSource) ? undefined : { kind: 'agent' };
}

function titleOf(entries: readonly ConversationEntry[]): string {
  const said = entries
    .filter(({ role }) => role === 'user')
    .flatMap(({ blocks }) => blocks.map((block) => (block.type === 'text' ? withoutCodexMarkup(block.text) : '')));
  return toTitle(quotedPrompt(said.findLast((text) => text.trim() !== '') ?? ''), MAX_TITLE_CHARS);
}

/** The prompt follows the last sentence of Codex's request for a title. [Codex 0.169.0] */
function quotedPrompt(request: string): string {
  return (
    request
      .split('Do not answer the request.')
      .at(-1)
      ?.replace(/^\s*(?:User )?(?:prompt|request):\s*/i, '') ?? request
  );
}
