import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsArray, IsInt, IsObject, IsOptional, IsString, Length } from 'class-validator';
import type { JsonObject } from '../../domain/harness-event.js';
import { isJsonObject, asArray } from '../../domain/json.js';
import { findInputLinesProblem } from '../input/input-lines.js';
import { SessionException } from '../session.exception.js';
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
      'The input. Each line is plain text or a JSON object in the input format of a harness. Without lines, the input is the user messages that were appended since the last execution.',
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
}

/** @throws SessionException 422 that names each wrong field, 400 for invalid lines and durations. */
export function parseExecute(body: unknown): ExecuteDto {
  const fields = ['idempotency_key', 'metadata', 'input_lines', 'idle_timeout_ms', 'max_duration_ms'] as const;
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
