import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsArray, IsInt, IsObject, IsOptional, IsString, Length } from 'class-validator';
import type { JsonObject } from '../../domain/harness-event.js';
import { isJsonObject, asArray } from '../../domain/json.js';
import { findInputLinesProblem } from '../input/input-lines.js';
import { SessionException } from '../session.exception.js';
import { RefusedUnlessEmpty } from './refused-field.js';
import { validateSessionBody } from './session-body.js';

/** Most lines of an execution. */
const MAX_INPUT_LINES = 10_000;

/** The body that starts an execution. */
export class ExecuteDto {
  @ApiPropertyOptional({
    description: 'A repeated key returns the existing execution and ignores the rest of the call.',
    examples: ['turn-2026-06-23-0001'],
  })
  @IsOptional()
  @IsString()
  @Length(1, 256)
  readonly idempotency_key?: string;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  @IsOptional()
  @IsObject()
  readonly metadata?: JsonObject;

  @ApiPropertyOptional({
    description:
      'The input. A `model` in a line is the model of this execution and later ones. Each line is plain text or a JSON object in the input format of a harness. The user messages that were appended before, and that no turn has heard, come first. Without lines, they are the input.',
    type: [String],
    examples: [['{"type":"user","message":{"role":"user","content":[{"type":"text","text":"hello"}]}}']],
  })
  @IsArray()
  @IsString({ each: true })
  readonly input_lines: readonly string[] = [];

  @ApiPropertyOptional({
    description:
      'Validated and reported, without effect: a server setting determines how long an idle agent process is kept.',
    type: 'integer',
    minimum: 1,
    examples: [60_000],
  })
  @IsOptional()
  @IsInt()
  readonly idle_timeout_ms?: number;

  @ApiPropertyOptional({
    description: 'The execution fails when it takes longer. Checked about once per second.',
    type: 'integer',
    minimum: 1,
    examples: [1_800_000],
  })
  @IsOptional()
  @IsInt()
  readonly max_duration_ms?: number;

  @ApiPropertyOptional({
    description:
      'The environment of an agent is that of its deployment (`CHIRON_SANDBOX_PASSTHROUGH_ENV`): anything but null and an empty object is refused.',
    type: 'object',
    additionalProperties: true,
    nullable: true,
  })
  @IsOptional()
  @RefusedUnlessEmpty('variables cannot be set for an execution: pass them on with CHIRON_SANDBOX_PASSTHROUGH_ENV')
  readonly environment?: JsonObject;
}

/** @throws SessionException 422 that names each wrong field, 400 for invalid lines and durations. */
export function parseExecute(body: unknown): ExecuteDto {
  const fields = [
    'idempotency_key',
    'metadata',
    'input_lines',
    'idle_timeout_ms',
    'max_duration_ms',
    'environment',
  ] as const;
  // Checked before the lines are validated one by one.
  if (isJsonObject(body) && asArray(body['input_lines']).length > MAX_INPUT_LINES) {
    throw new SessionException(422, `input_lines must not have more than ${MAX_INPUT_LINES} elements`);
  }
  const dto = validateSessionBody(new ExecuteDto(), fields, body);
  const problem = findInputLinesProblem(dto.input_lines) ?? durationProblem(dto);
  if (problem !== undefined) throw new SessionException(400, problem);
  return dto;
}

function durationProblem({ idle_timeout_ms: idle, max_duration_ms: max }: ExecuteDto): string | undefined {
  if ((idle ?? 1) <= 0 || (max ?? 1) <= 0) return 'duration values must be greater than zero';
  if (idle !== undefined && max !== undefined && idle > max) {
    return 'idle_timeout_ms must not be greater than max_duration_ms';
  }
  return undefined;
}
