import { ConversationDto } from '../request/conversation.dto.js';
import { validateMessagesBody } from '../request/create-message.dto.js';

const FIELDS = ['model', 'messages', 'system', 'tools'] as const;

/** The fields of a token count request that the estimate uses. Other fields are accepted and ignored. */
export class CountTokensDto extends ConversationDto {}

/**
 * Validates a parsed body as a token count request.
 *
 * @throws AnthropicException (400) that names each invalid field.
 */
export function parseCountTokens(body: unknown): CountTokensDto {
  return validateMessagesBody(new CountTokensDto(), FIELDS, body);
}
