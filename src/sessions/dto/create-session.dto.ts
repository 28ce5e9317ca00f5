import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsObject, IsOptional, ValidateBy, type ValidationArguments } from 'class-validator';
import type { JsonObject, JsonValue } from '../../domain/harness-event.js';
import { ANY_OBJECT } from '../../openapi/schema.js';
import { type HarnessTypes, listHarnessTypes, parseHarnessType } from './harness-type.js';
import { RefusedUnlessEmpty } from './refused-field.js';
import { validateSessionBody } from './session-body.js';

/** The body that creates a session. */
export class CreateSessionDto {
  @ApiProperty({
    description:
      'One of the harnesses of the deployment, with its agents of `CHIRON_AGENTS_FILE`, or an alias of `CHIRON_HARNESS_ALIASES`, which may accept any type, and none.',
    type: String,
    examples: ['claudecode'],
  })
  @ValidateBy({
    // With this name, the error has the same text as those of other lists.
    name: 'isIn',
    validator: {
      validate: (type, validation) => isKnownType(type, validation),
      defaultMessage: (validation) => `must be one of the following values: ${listKnownTypes(validation)}`,
    },
  })
  readonly harness_type?: string;

  @ApiPropertyOptional({
    description: 'There are no personas: anything but null, an empty text and `default` is refused.',
    type: String,
    nullable: true,
  })
  @IsOptional()
  @RefusedUnlessEmpty('there are no personas here: leave it out', ['default'])
  readonly persona_id?: string;

  @ApiPropertyOptional({
    description: 'No repositories are checked out: anything but null and an empty list is refused.',
    type: 'array',
    items: ANY_OBJECT,
    nullable: true,
  })
  @IsOptional()
  @RefusedUnlessEmpty(
    'no repositories are checked out here: put them into CHIRON_WORKSPACE_TEMPLATE and leave this out',
  )
  readonly repos?: readonly JsonValue[];

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

  /** @param types the values of `harness_type` that this server accepts. */
  constructor(readonly types: HarnessTypes) {}
}

function isKnownType(type: unknown, validation: ValidationArguments | undefined): boolean {
  const types = readTypes(validation);
  return (
    types !== undefined &&
    (type === undefined || typeof type === 'string') &&
    parseHarnessType(type, types) !== undefined
  );
}

function listKnownTypes(validation: ValidationArguments | undefined): string {
  const types = readTypes(validation);
  return types === undefined ? '' : listHarnessTypes(types).join(', ');
}

function readTypes(validation: ValidationArguments | undefined): HarnessTypes | undefined {
  return validation?.object instanceof CreateSessionDto ? validation.object.types : undefined;
}

/** @throws SessionException (422) that names each wrong field. */
export function parseCreateSession(body: unknown, types: HarnessTypes): CreateSessionDto {
  const fields = ['harness_type', 'persona_id', 'repos', 'metadata', 'on_harness_conflict'] as const;
  return validateSessionBody(new CreateSessionDto(types), fields, body);
}
