import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsObject, IsOptional, IsString } from 'class-validator';
import type { JsonObject } from '../../domain/harness-event.js';
import { HARNESS_TYPES, type HarnessType } from './harness-type.js';
import { validateSessionBody } from './session-body.js';

/** What a session is to be. */
export class CreateSessionDto {
  @ApiProperty({ type: String, enum: HARNESS_TYPES, examples: ['claudecode'] })
  @IsIn(HARNESS_TYPES)
  readonly harness_type!: HarnessType;

  @ApiPropertyOptional({ description: 'Accepted and ignored: there are no personas.', type: String, nullable: true })
  @IsOptional()
  @IsString()
  readonly persona_id?: string;

  @ApiPropertyOptional({
    description: 'Kept when the session is new; a later call does not change it.',
    type: 'object',
    additionalProperties: true,
  })
  @IsOptional()
  @IsObject()
  readonly metadata?: JsonObject;

  @ApiPropertyOptional({
    description:
      'What to do when the session has another harness. `restart` interrupts what it does and goes on with the new harness in the same workspace, without memory of the conversation.',
    type: String,
    enum: ['reject', 'restart'],
    default: 'reject',
  })
  @IsOptional()
  @IsIn(['reject', 'restart'])
  readonly on_harness_conflict?: 'reject' | 'restart';
}

/** @throws SessionException (422) that names each field that is wrong. */
export function parseCreateSession(body: unknown): CreateSessionDto {
  return validateSessionBody(
    new CreateSessionDto(),
    ['harness_type', 'persona_id', 'metadata', 'on_harness_conflict'],
    body,
  );
}
