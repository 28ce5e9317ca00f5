import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsObject, IsOptional, IsString, ValidateBy, type ValidationArguments } from 'class-validator';
import type { JsonObject } from '../../domain/harness-event.js';
import { HARNESS_TYPES } from './harness-type.js';
import { validateSessionBody } from './session-body.js';

/** The body that creates a session. */
export class CreateSessionDto {
  @ApiProperty({ type: String, enum: HARNESS_TYPES, examples: ['claudecode'] })
  @ValidateBy({
    // With this name, the error has the same text as those of other lists.
    name: 'isIn',
    validator: {
      validate: (type, validation) => knownTypes(validation).includes(type),
      defaultMessage: (validation) => `must be one of the following values: ${knownTypes(validation).join(', ')}`,
    },
  })
  readonly harness_type!: string;

  @ApiPropertyOptional({ description: 'Accepted and ignored: there are no personas.', type: String, nullable: true })
  @IsOptional()
  @IsString()
  readonly persona_id?: string;

  @ApiPropertyOptional({
    description: 'Stored when the session is created; later calls do not change it.',
    type: 'object',
    additionalProperties: true,
  })
  @IsOptional()
  @IsObject()
  readonly metadata?: JsonObject;

  @ApiPropertyOptional({
    description:
      'What to do when the session has another harness. `restart` interrupts its turn and continues with the new harness in the same workspace, without memory of the conversation.',
    type: String,
    enum: ['reject', 'restart'],
    default: 'reject',
  })
  @IsOptional()
  @IsIn(['reject', 'restart'])
  readonly on_harness_conflict?: 'reject' | 'restart';

  /** @param knownTypes the values of `harness_type` that this server accepts. */
  constructor(readonly knownTypes: readonly string[]) {}
}

function knownTypes(validation: ValidationArguments | undefined): readonly unknown[] {
  return validation?.object instanceof CreateSessionDto ? validation.object.knownTypes : [];
}

/** @throws SessionException (422) that names each wrong field. */
export function parseCreateSession(body: unknown, harnessTypes: readonly string[]): CreateSessionDto {
  const fields = ['harness_type', 'persona_id', 'metadata', 'on_harness_conflict'] as const;
  return validateSessionBody(new CreateSessionDto(harnessTypes), fields, body);
}
