import { PickType } from '@nestjs/swagger';
import { checked, CreateMessageDto } from '../request/create-message.dto.js';

const FIELDS = ['model', 'messages', 'system', 'tools'] as const;

/** The fields of a request to count tokens that count. Every other field is accepted and ignored. */
export class CountTokensDto extends PickType(CreateMessageDto, FIELDS) {}

/**
 * A parsed body as a request to count tokens.
 *
 * @throws AnthropicException (400) that names each field that is wrong.
 */
export function parseCountTokens(body: unknown): CountTokensDto {
  return checked(new CountTokensDto(), FIELDS, body);
}
