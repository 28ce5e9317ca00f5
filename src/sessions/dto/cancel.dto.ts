import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsOptional, IsString, MaxLength } from 'class-validator';
import { validateSessionBody } from './session-body.js';

/** The body that cancels what a session does. */
export class CancelDto {
  @ApiPropertyOptional({ description: 'The id of the call for its client, returned as it is.', examples: ['rel-1'] })
  @IsOptional()
  @IsString()
  @MaxLength(512)
  readonly release_id?: string;

  @ApiPropertyOptional({ description: 'Whether to interrupt the active execution. Without it, nothing happens.' })
  @IsOptional()
  @IsBoolean()
  readonly cancel_inflight: boolean = false;
}

/** @throws SessionException (422) that names each wrong field. */
export function parseCancel(body: unknown): CancelDto {
  return validateSessionBody(new CancelDto(), ['release_id', 'cancel_inflight'], body);
}
