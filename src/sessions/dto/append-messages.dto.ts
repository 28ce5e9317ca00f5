import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsIn, IsObject, IsOptional, IsString, Length } from 'class-validator';
import type { JsonObject, JsonValue } from '../../domain/harness-event.js';
import { ANY_OBJECT } from '../../openapi/schema.js';
import { SessionException } from '../session.exception.js';
import { MESSAGE_ROLES, type MessageRole } from '../../storage/stores/session-message.store.js';
import { validateSessionBody } from './session-body.js';

/** Most messages of one call, because each is validated and stored separately. */
const MAX_MESSAGES = 1000;

/** A message to append to a session. */
export class SessionMessageDto {
  @ApiPropertyOptional({
    description: 'Dedupes: a repeated id stores nothing and returns the id of the earlier message.',
    examples: ['m-001'],
  })
  @IsOptional()
  @IsString()
  @Length(1, 512)
  readonly client_message_id?: string;

  @ApiProperty({ type: String, enum: MESSAGE_ROLES, examples: ['user'] })
  @IsIn(MESSAGE_ROLES)
  readonly role!: MessageRole;

  @ApiProperty({ type: 'array', items: ANY_OBJECT, examples: [[{ type: 'text', text: 'hello' }]] })
  @IsArray()
  readonly parts!: readonly JsonValue[];

  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  @IsOptional()
  @IsObject()
  readonly metadata?: JsonObject;
}

/** Messages to append to a session. */
export class AppendMessagesDto {
  @ApiProperty({ type: [SessionMessageDto] })
  @IsArray()
  @ArrayMaxSize(MAX_MESSAGES)
  messages!: readonly SessionMessageDto[];
}

/** @throws SessionException 422 that names each wrong field, 400 when there is no message. */
export function parseAppendMessages(body: unknown): AppendMessagesDto {
  const dto = validateSessionBody(new AppendMessagesDto(), ['messages'], body);
  if (dto.messages.length === 0) throw new SessionException(400, 'messages must not be empty');
  dto.messages = dto.messages.map((message) =>
    validateSessionBody(new SessionMessageDto(), ['client_message_id', 'role', 'parts', 'metadata'], message),
  );
  return dto;
}
