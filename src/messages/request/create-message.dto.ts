import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  Min,
} from 'class-validator';
import { ANY_OBJECT } from '../../openapi/schema.js';
import { badRequest } from '../../anthropic/anthropic.exception.js';
import { type BodyRules, validateBody } from '../../http/validate-body.js';
import { ConversationDto } from './conversation.dto.js';

/** Limits on stop sequences, their number and length in characters: each is searched for in every piece of the answer. */
const MAX_STOP_SEQUENCES = 64;
const MAX_STOP_SEQUENCE = 1024;

/**
 * The fields of a Messages API request that Chiron uses. Other fields are accepted and ignored: clients send new fields before
 * servers know them. The elements of lists are not validated here, so that a long history costs nothing; `extractPrompt` validates
 * the last message.
 */
export class CreateMessageDto extends ConversationDto {
  @ApiProperty({
    description: 'Required by the protocol. It does not limit an agent’s turn.',
    type: 'integer',
    examples: [1024],
    minimum: 0,
  })
  @IsInt()
  @Min(0)
  readonly max_tokens!: number;

  @ApiPropertyOptional({ description: 'Answer as server-sent events.', type: Boolean, examples: [true] })
  @IsOptional()
  @IsBoolean()
  readonly stream?: boolean | null;

  @ApiPropertyOptional({
    description: '`user_id` may hold JSON with a `session_id`, which names the thread.',
    type: 'object',
    additionalProperties: true,
  })
  @IsOptional()
  @IsObject()
  readonly metadata?: Readonly<Record<string, unknown>> | null;

  @ApiPropertyOptional({
    description:
      'MCP servers for the agent (the MCP connector), if `CHIRON_CALLER_MCP` allows them; otherwise they are refused.',
    type: 'array',
    items: ANY_OBJECT,
  })
  @IsOptional()
  @IsArray()
  readonly mcp_servers?: readonly unknown[] | null;

  @ApiPropertyOptional({
    description:
      '`tool` or `any`: the answer is a call of that tool, or of any, whose input follows its schema. `none`: no tools of the caller. `auto` with `disable_parallel_tool_use`: one call at a time.',
    type: 'object',
    additionalProperties: true,
  })
  @IsOptional()
  @IsObject()
  readonly tool_choice?: Readonly<Record<string, unknown>> | null;

  @ApiPropertyOptional({
    description:
      '`format` with `{"type": "json_schema", "schema": …}`: the answer is one text block of JSON that follows the schema.',
    type: 'object',
    additionalProperties: true,
  })
  @IsOptional()
  @IsObject()
  readonly output_config?: Readonly<Record<string, unknown>> | null;

  @ApiPropertyOptional({
    description: 'The older name of `output_config.format`.',
    deprecated: true,
    type: 'object',
    additionalProperties: true,
  })
  @IsOptional()
  @IsObject()
  readonly output_format?: Readonly<Record<string, unknown>> | null;

  @ApiPropertyOptional({
    description: 'Texts at which the answer ends. The agent is interrupted at the first one.',
    type: 'array',
    items: { type: 'string' },
  })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_STOP_SEQUENCES)
  @IsString({ each: true })
  @Matches(/\S/, { each: true, message: 'each stop sequence must contain non-whitespace' })
  @MaxLength(MAX_STOP_SEQUENCE, { each: true })
  readonly stop_sequences?: readonly string[] | null;

  @ApiPropertyOptional({
    description: '`display: "omitted"` shows only the signatures of thinking; `type: "disabled"` hides thinking.',
    type: 'object',
    additionalProperties: true,
  })
  @IsOptional()
  @IsObject()
  readonly thinking?: Readonly<Record<string, unknown>> | null;

  @ApiPropertyOptional({
    description:
      'Message Threads: `{"type": "create"}` with the complete conversation, or `{"type": "continue", "previous_message_id": "msg_…"}` with only the new messages.',
    type: 'object',
    additionalProperties: true,
  })
  @IsOptional()
  @IsObject()
  readonly thread?: Readonly<Record<string, unknown>> | null;
}

const FIELDS = [
  'model',
  'max_tokens',
  'messages',
  'stream',
  'system',
  'metadata',
  'mcp_servers',
  'tools',
  'tool_choice',
  'output_config',
  'output_format',
  'stop_sequences',
  'thinking',
  'thread',
] as const;

const MESSAGES_BODY: BodyRules = {
  refuse: badRequest,
  notAnObject: 'The request body must be a JSON object.',
  // Every stop sequence is validated, so keep only enough of a long list to detect that it is too long.
  readField: (field, value) =>
    field === 'stop_sequences' && Array.isArray(value) ? value.slice(0, MAX_STOP_SEQUENCES + 1) : value,
};

/**
 * Validates a parsed body as a request.
 *
 * @throws AnthropicException (400) that names each invalid field.
 */
export function parseCreateMessage(body: unknown): CreateMessageDto {
  return validateMessagesBody(new CreateMessageDto(), FIELDS, body);
}

/**
 * Validates a body of the Messages API: copies the listed fields into `dto`.
 *
 * @throws AnthropicException (400) that names each invalid field.
 */
export function validateMessagesBody<Dto extends object>(
  dto: Dto,
  fields: readonly (keyof Dto & string)[],
  body: unknown,
): Dto {
  return validateBody(dto, fields, body, MESSAGES_BODY);
}
