import type { FileBlock } from './file-block.js';

/** The source of an image or a document in a prompt, with Anthropic's wire names. */
export type PromptSource =
  | { readonly type: 'base64'; readonly media_type: string; readonly data: string }
  | { readonly type: 'url'; readonly url: string }
  | { readonly type: 'text'; readonly media_type: string; readonly data: string };

/**
 * Whether a URL may be the source of an image or a document. Only `http` and `https` may: the agent's program, or whoever fetches the
 * URL, would otherwise read `file:///etc/passwd` for the caller.
 */
export function isWebUrl(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

/** One block of a user's message, in Anthropic's form. Agents get other blocks in the place of files. */
export type PromptBlock =
  | FileBlock
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

/** Joins the prompt's text blocks by lines, for harnesses that take text only. */
export function readPromptText(prompt: Prompt): string {
  return prompt.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n');
}

const BEFORE = 'This conversation began before you were called in. What was said so far:\n\n<conversation>\n';
const AFTER = '</conversation>\n\nNow the user says:';

/** Puts the earlier conversation before a prompt, for an agent without a record of it. */
export function withHistory(history: Prompt, prompt: Prompt): Prompt {
  if (history.length === 0) return prompt;
  return [{ type: 'text', text: BEFORE }, ...history, { type: 'text', text: AFTER }, ...prompt];
}
