/** Where the bytes of an image or a document of a prompt are. Anthropic's wire names. */
export type PromptSource =
  | { readonly type: 'base64'; readonly media_type: string; readonly data: string }
  | { readonly type: 'url'; readonly url: string }
  | { readonly type: 'text'; readonly media_type: string; readonly data: string };

/**
 * Whether a URL may be the source of an image or a document. Only the web's: whoever fetches it, an agent's program or its model's
 * provider, would read `file:///etc/passwd` for the caller.
 */
export function isWebUrl(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

/** One block of a user's message, in Anthropic's form. */
export type PromptBlock =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly source: PromptSource }
  | {
      readonly type: 'document';
      readonly source: PromptSource;
      readonly title?: string | null;
      readonly context?: string | null;
    };

/** A user's message; at least one block. */
export type Prompt = readonly PromptBlock[];

/** The prompt's text blocks, one per line; what a harness without images sees. */
export function promptText(prompt: Prompt): string {
  return prompt.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n');
}

const BEFORE = 'This conversation began before you were called in. What was said so far:\n\n<conversation>\n';
const AFTER = '</conversation>\n\nNow the user says:';

/** A prompt after the conversation before it, for an agent without a record of that. */
export function withHistory(history: Prompt | undefined, prompt: Prompt): Prompt {
  if (history === undefined) return prompt;
  return [{ type: 'text', text: BEFORE }, ...history, { type: 'text', text: AFTER }, ...prompt];
}
