/** What a scripted model needs to know of a request to the Responses API. */
export interface Conversation {
  readonly model: string;
  /** The whole conversation, as it was sent. */
  readonly input: readonly unknown[];
  /** `instructions` and the developer messages, in order. */
  readonly system: string;
  /** The newest text that a user wrote; texts that Codex puts in a user's mouth are passed over. */
  readonly userText: string;
  /** What the tools called since {@link userText} printed, in order. */
  readonly toolOutputs: readonly string[];
  /** What the model said behind the newest of them. */
  readonly said: readonly string[];
  /** The shell tool that Codex offers. */
  readonly shellTool: string;
}

// Codex 0.169.0 sends its own context as user messages that begin like this.
const CONTEXT_OF_CODEX = /^\s*(<environment_context>|<turn_aborted>|<user_instructions>|# AGENTS\.md instructions)/;

type Fields = Readonly<Record<string, unknown>>;

/** Reads a request's body. Never throws: what is not there is empty. */
export function readConversation(body: unknown): Conversation {
  const fields = fieldsOf(body);
  const items = listOf(fields['input']).map(fieldsOf);
  const prompt = items.findLastIndex((item) => item['role'] === 'user' && !CONTEXT_OF_CODEX.test(textOf(item)));
  const isOutput = (item: Fields): boolean => item['type'] === 'function_call_output';
  const newest = Math.max(prompt, items.findLastIndex(isOutput));
  const system = items.filter((item) => item['role'] === 'developer' || item['role'] === 'system').map(textOf);
  return {
    model: stringOf(fields['model']),
    input: items,
    system: [stringOf(fields['instructions']), ...system].filter((text) => text !== '').join('\n\n'),
    userText: prompt < 0 ? '' : newestTextOf(items[prompt] ?? {}),
    toolOutputs: items
      .slice(prompt + 1)
      .filter(isOutput)
      .map((item) => printedBy(outputText(item['output']))),
    said: items
      .slice(newest + 1)
      .filter((item) => item['role'] === 'assistant')
      .map(textOf),
    shellTool: shellToolOf(listOf(fields['tools']).map(fieldsOf)),
  };
}

/** `exec_command` wraps what was printed: `Chunk ID: …\nWall time: …\nProcess exited with code 0\nOutput:\n<printed>`. */
function printedBy(output: string): string {
  const marker = /^Output:\n/m.exec(output);
  return marker === null ? output : output.slice(marker.index + marker[0].length);
}

function shellToolOf(tools: readonly Fields[]): string {
  const names = tools.map((tool) => stringOf(tool['name']));
  return ['exec_command', 'shell', 'shell_command'].find((name) => names.includes(name)) ?? 'exec_command';
}

function textOf(item: Fields): string {
  return textsOf(item).join('\n');
}

/** One message may hold the earlier conversation in a text of its own, with its own scenes, before the new prompt. */
function newestTextOf(item: Fields): string {
  return textsOf(item).findLast((text) => text.includes('SCENE:')) ?? textOf(item);
}

function textsOf(item: Fields): readonly string[] {
  const content = item['content'];
  if (typeof content === 'string') return [content];
  return listOf(content)
    .map((part) => stringOf(fieldsOf(part)['text']))
    .filter((text) => text !== '');
}

function outputText(output: unknown): string {
  if (typeof output === 'string') return output;
  return listOf(output)
    .map((part) => stringOf(fieldsOf(part)['text']))
    .join('\n');
}

function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
