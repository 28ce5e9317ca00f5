import type { CallerToolResult } from '../../../domain/caller-tool.js';
import type { JsonObject, ToolResultContent } from '../../../domain/harness-event.js';
import type { Prompt } from '../../../domain/prompt.js';
import { asString } from '../../../domain/json.js';
import type { Upload } from '../../prompt/prompt-parts.js';
import { toCodexInput } from '../app-server/input.js';
import type { RecordedCall } from '../record/rollout-lines.js';

/** What a tool returned, as parts of which the two protocols of Codex make their own forms. */
export interface ToolOutput {
  readonly parts: readonly OutputPart[];
  readonly isError: boolean;
  /** Files that must be there before the agent reads the output. */
  readonly uploads: readonly Upload[];
}

/** A text, or an image as a `data:` URL. */
export type OutputPart =
  { readonly kind: 'text'; readonly text: string } | { readonly kind: 'image'; readonly url: string };

/** What Codex gets for a call whose result is lost, as its process died; it says `aborted` itself otherwise (0.169.0, seen). */
export const INTERRUPTED_OUTPUT: ToolOutput = toTextOutput(
  'The call was interrupted and its result is lost. Call the tool again if you need the result.',
  true,
);

/** An output of one text. */
export function toTextOutput(text: string, isError: boolean): ToolOutput {
  return { parts: [{ kind: 'text', text }], isError, uploads: [] };
}

/** What a tool of Codex's own returned. */
export function toolResultOutput(content: readonly ToolResultContent[]): ToolOutput {
  const parts = content.map((part): OutputPart =>
    part.type === 'text'
      ? { kind: 'text', text: part.text }
      : { kind: 'image', url: `data:${part.mediaType};base64,${part.data}` },
  );
  return { parts, isError: false, uploads: [] };
}

/** The result of a caller's tool; documents become texts or files, as in a prompt. */
export function toToolOutput(
  { content, isError }: Pick<CallerToolResult, 'content' | 'isError'>,
  uploadFolder: string,
): ToolOutput {
  const { parts, uploads } = toOutputParts(content, uploadFolder);
  return { parts, isError, uploads };
}

function toOutputParts(content: Prompt, uploadFolder: string): Pick<ToolOutput, 'parts' | 'uploads'> {
  const { input, uploads } = toCodexInput(content, uploadFolder);
  const parts = input.map((item): OutputPart => {
    const url = asString(item['url']);
    return url === undefined ? { kind: 'text', text: asString(item['text']) ?? '' } : { kind: 'image', url };
  });
  return { parts, uploads };
}

/** The answer to Codex's request `item/tool/call` (0.169.0: `DynamicToolCallResponse`). */
export function toCallAnswer(output: ToolOutput): JsonObject {
  const contentItems = toReadableParts(output).map((part) =>
    part.kind === 'text' ? { type: 'inputText', text: part.text } : { type: 'inputImage', imageUrl: part.url },
  );
  return { contentItems, success: !output.isError };
}

/** The item by which the record answers a call: OpenAI's `function_call_output`, or the one of a custom tool. */
export function toOutputItem({ id, isCustom }: Pick<RecordedCall, 'id' | 'isCustom'>, output: ToolOutput): JsonObject {
  const parts = toReadableParts(output).map((part) =>
    part.kind === 'text' ? { type: 'input_text', text: part.text } : { type: 'input_image', image_url: part.url },
  );
  const type = isCustom ? 'custom_tool_call_output' : 'function_call_output';
  return { type, call_id: id, output: parts };
}

const ERROR_MARK = 'The tool failed.';

/** `success` does not reach the model (0.169.0, seen), and an output without any part says nothing: words do. */
function toReadableParts({ parts, isError }: ToolOutput): readonly OutputPart[] {
  if (isError) return [{ kind: 'text', text: ERROR_MARK }, ...parts];
  return parts.length === 0 ? [{ kind: 'text', text: 'The tool returned nothing.' }] : parts;
}
