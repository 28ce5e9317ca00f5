import { PickType } from '@nestjs/swagger';
import { CreateMessageDto, validateMessagesBody } from '../request/create-message.dto.js';

const FIELDS = ['model', 'messages', 'system', 'tools'] as const;

/** The fields of a request to count tokens that count. Every other field is accepted and ignored. */
export class CountTokensDto extends PickType(CreateMessageDto, FIELDS) {}

/**
 * A parsed body as a request to count tokens.
 *
 * @throws AnthropicException (400) that names each field that is wrong.
 */
export function parseCountTokens(body: unknown): CountTokensDto {
  return validateMessagesBody(new CountTokensDto(), FIELDS, body);
}
