/** What of a Messages API request is looked at to tell what it is for. */
export interface SideRequestBody {
  readonly messages: readonly unknown[];
  readonly system?: unknown;
  readonly tools?: readonly unknown[] | null;
  readonly output_config?: Readonly<Record<string, unknown>> | null;
  readonly thinking?: Readonly<Record<string, unknown>> | null;
  readonly thread?: Readonly<Record<string, unknown>> | null;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * How the messages begin with which Claude Code asks a fork of the conversation for something. The first four are recorded, the
 * others are in the program. [Claude Code 2.1.330]
 */
const FORK_PROMPTS = [
  // Compaction, by hand and by itself.
  'CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.',
  // `/btw`.
  '<system-reminder>This is a side question from the user.',
  // `/recap`, and by itself when the user was away.
  'The user stepped away and is coming back.',
  // What the user may want to type next.
  '[SUGGESTION MODE:',
  // Progress of a background agent, `/rename`, memories.
  'Describe your most recent action in 3-5 words',
  'Generate a short kebab-case name',
  'You are now acting as the memory extraction subagent.',
  '# Dream: Memory Consolidation',
];

/** How the system prompt of a hook of type `agent` begins. It comes with tools, but without an agent's id. [Claude Code 2.1.330] */
const HOOK_AGENT = 'You are verifying a stop condition in Claude Code.';

/** The first block of the system prompt says for whom the request is paid, and whether that is a sub-agent. [Claude Code 2.1.330] */
export const BILLING_HEADER = 'x-anthropic-billing-header';
const IS_SUBAGENT = 'cc_is_subagent=true';

/** How Claude Code begins to describe the machine that it runs on: to the model of a turn, and to sub-agents. [Claude Code 2.1.330] */
const ENVIRONMENT = '# Environment\n';
/** The same of `claude --bare`, as a block of the system prompt. [Claude Code 2.1.330] */
const BARE_ENVIRONMENT = 'CWD: ';
const REMINDER = '<system-reminder>\n';

/** Whether a request says in its own words that it is a helper's: a sub-agent's, a hook's, or a fork's. */
export function isMarkedAsHelper({ system, messages }: SideRequestBody): boolean {
  for (const text of texts(system)) {
    if (text.startsWith(HOOK_AGENT)) return true;
    if (text.startsWith(BILLING_HEADER) && text.includes(IS_SUBAGENT)) return true;
  }
  return lastUserTexts(messages).some((text) => FORK_PROMPTS.some((prompt) => text.startsWith(prompt)));
}

/** Whether the caller offers tools of its own. Those that the API runs (`web_search_20250305`) have a type that says so. */
export function offersTools({ tools }: SideRequestBody): boolean {
  return tools?.some((tool) => [undefined, 'custom'].includes(fields(tool)['type'] as string | undefined)) ?? false;
}

/** Whether the model is to think. Helpers of Claude Code never ask for it. */
export function requestsThinking({ thinking }: SideRequestBody): boolean {
  return typeof thinking?.['type'] === 'string' && thinking['type'] !== 'disabled';
}

/** Whether the request describes the caller's machine, as the one of a turn does, with `--tools ""` too. */
export function describesEnvironment({ system, messages }: SideRequestBody): boolean {
  return (
    texts(system).some((text) => text.startsWith(BARE_ENVIRONMENT)) ||
    messages.some((message) => {
      const { role, content } = fields(message);
      if (role === 'system') return texts(content).some((text) => text.includes(ENVIRONMENT));
      return texts(content).some((text) => text.startsWith(REMINDER + ENVIRONMENT));
    })
  );
}

/**
 * Whether the end of the conversation is to be cached: a turn marks its last block for the next one to read, a fork only what the
 * conversation has in common with it. True without any marks: caching may be off, or a proxy took them out.
 */
export function cachesConversationEnd(messages: readonly unknown[]): boolean {
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    const { role, content } = fields(messages[index]);
    const last: unknown = Array.isArray(content) ? content.at(-1) : undefined;
    if (isMarked(last)) return true;
    // A system message that follows is not always marked; then the user's is.
    if (role !== 'system') break;
  }
  return !messages.some((message) => {
    const { content } = fields(message);
    return Array.isArray(content) && content.some(isMarked);
  });
}

function isMarked(block: unknown): boolean {
  const mark = fields(block)['cache_control'];
  return mark !== undefined && mark !== null;
}

/** The texts of the last user message that has any: one that only has results of tools goes on with the one before. */
function lastUserTexts(messages: readonly unknown[]): readonly string[] {
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    const { role, content } = fields(messages[index]);
    if (role !== 'user') continue;
    const said = texts(content);
    if (said.length > 0) return said;
  }
  return [];
}

/** The texts of a message's content, or of a system prompt: one, or a list of blocks. */
export function texts(content: unknown): readonly string[] {
  if (typeof content === 'string') return [content];
  if (!Array.isArray(content)) return [];
  return (content as readonly unknown[]).flatMap((block) => {
    const { text } = fields(block);
    return typeof text === 'string' ? [text] : [];
  });
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
