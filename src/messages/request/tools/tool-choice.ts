import { asStrings, isJsonObject, toText } from '../../../domain/json.js';
import { badRequest } from '../../../anthropic/anthropic.exception.js';
import { missingOr } from '../../../http/field-problems.js';
import type { CreateMessageDto } from '../create-message.dto.js';

/** Whether the agent may, must or must not call the caller's tools. */
export type ToolChoice =
  | { readonly type: 'auto'; readonly disablesParallelCalls: boolean }
  /** The answer is a call of one of the tools. */
  | { readonly type: 'any' }
  /** The answer is a call of this tool. */
  | { readonly type: 'tool'; readonly name: string }
  | { readonly type: 'none' };

/**
 * Reads `tool_choice`; absent, it is `auto`.
 *
 * @throws AnthropicException (400) for another type, a tool that the request does not have, or a forced call without tools.
 */
export function readToolChoice({
  tools,
  tool_choice: choice,
}: Pick<CreateMessageDto, 'tools' | 'tool_choice'>): ToolChoice {
  if (choice === undefined || choice === null) return { type: 'auto', disablesParallelCalls: false };
  const { type } = choice;
  const names = (tools ?? []).flatMap((tool) => (isJsonObject(tool) ? asStrings([tool['name'] ?? '']) : []));
  switch (type) {
    case 'auto':
      return { type, disablesParallelCalls: choice['disable_parallel_tool_use'] === true };
    case 'any':
      if (names.length === 0) throw badRequest('tool_choice: may only be any if there are tools');
      return { type };
    case 'tool': {
      const { name } = choice;
      if (typeof name !== 'string') {
        throw badRequest(`tool_choice.tool.name: ${missingOr(name, 'Input should be a valid string')}`);
      }
      if (!names.includes(name)) throw badRequest(`Tool '${toText(name)}' not found in provided tools`);
      return { type, name };
    }
    case 'none':
      return { type };
    default:
      throw badRequest(`tool_choice.type: ${missingOr(type, "Input should be 'auto', 'any', 'tool' or 'none'")}`);
  }
}
