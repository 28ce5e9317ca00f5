import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsBoolean,
  IsNotEmpty,
  IsOptional,
  IsString,
  Length,
} from 'class-validator';
import type { CallerToolResult } from '../../domain/caller-tool.js';
import type { JsonValue } from '../../domain/harness-event.js';
import { toPromptContent } from '../../storage/stores/prompt-content.js';
import { SessionException } from '../session.exception.js';
import { validateSessionBody } from './session-body.js';

/** Most results of one call: no message of an agent has as many calls. */
const MAX_RESULTS = 1000;

/** The result of one call of a caller's tool. */
export class ToolResultDto {
  @ApiProperty({ description: 'The id of the call.', examples: ['toolu_01A09q90qw90lq917835lq9'] })
  @IsString()
  @IsNotEmpty()
  readonly tool_use_id!: string;

  @ApiPropertyOptional({
    description: 'A text, or blocks of text, images and documents in Anthropic’s form.',
    oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'object', additionalProperties: true } }],
    examples: ['sunny'],
  })
  readonly content?: JsonValue;

  @ApiPropertyOptional({ type: Boolean, default: false })
  @IsOptional()
  @IsBoolean()
  readonly is_error?: boolean;
}

/** The body that answers the calls of an execution. */
export class AnswerDto {
  @ApiPropertyOptional({
    description: 'A repeated key returns the existing execution and ignores the rest of the call.',
    examples: ['answer-0001'],
  })
  @IsOptional()
  @IsString()
  @Length(1, 256)
  readonly idempotency_key?: string;

  @ApiProperty({ description: 'A result for each call that waits.', type: [ToolResultDto] })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MAX_RESULTS)
  readonly results!: readonly JsonValue[];
}

/** The answer to the calls of an execution. */
export interface CallAnswer {
  readonly idempotencyKey: string | undefined;
  /** Not empty. */
  readonly results: readonly CallerToolResult[];
}

/** @throws SessionException (422) that names each wrong field. */
export function parseAnswer(body: unknown): CallAnswer {
  const { idempotency_key: idempotencyKey, results } = validateSessionBody(
    new AnswerDto(),
    ['idempotency_key', 'results'],
    body,
  );
  return { idempotencyKey, results: results.map(toResult) };
}

function toResult(value: JsonValue): CallerToolResult {
  const result = validateSessionBody(new ToolResultDto(), ['tool_use_id', 'content', 'is_error'], value);
  const { content = '' } = result;
  if (typeof content !== 'string' && !Array.isArray(content)) {
    throw new SessionException(422, 'results.content must be a string or an array');
  }
  return {
    callId: result.tool_use_id,
    content: toPromptContent(content, new Map()),
    isError: result.is_error === true,
  };
}
