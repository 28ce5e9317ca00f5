import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { MAX_NAME_LENGTH, TENANT_NAME } from '../../config/api-keys.js';
import { KEY_ROLES, type KeyRole } from '../../storage/stores/key.store.js';
import { validateAdminBody } from './admin-body.js';
import { TENANT_NAME_RULE } from './create-tenant.dto.js';

/** The body that makes a key. */
export class CreateKeyDto {
  @ApiProperty({
    description: 'The name of a tenant. The threads of the key are those of its tenant.',
    type: String,
    examples: ['team-a'],
  })
  @IsString()
  @Matches(TENANT_NAME, { message: TENANT_NAME_RULE })
  readonly tenant!: string;

  @ApiPropertyOptional({
    description: 'What the key is for.',
    type: String,
    nullable: true,
    maxLength: MAX_NAME_LENGTH,
    examples: ['nightly build'],
  })
  @IsOptional()
  @IsString()
  @MaxLength(MAX_NAME_LENGTH)
  @Matches(/^\P{Cc}+$/u, { message: 'may not be empty or have control characters' })
  readonly name?: string;

  @ApiPropertyOptional({
    description: '`admin` keys may use `/api/admin`, besides the threads of their tenant.',
    type: String,
    nullable: true,
    enum: KEY_ROLES,
    default: 'user',
  })
  @IsOptional()
  @IsIn(KEY_ROLES)
  readonly role?: KeyRole;

  @ApiPropertyOptional({
    description:
      'From then on the key is refused: a date and time with its offset, or a date, which is its midnight in UTC. Absent for a key that does not expire.',
    type: String,
    nullable: true,
    examples: ['2027-01-31T12:00:00Z', '2027-01-31'],
  })
  @IsOptional()
  @IsString()
  readonly expires_at?: string;
}

/** @throws ServiceError (`bad_request`) that names each wrong field. */
export function parseCreateKey(body: unknown): CreateKeyDto {
  return validateAdminBody(new CreateKeyDto(), ['tenant', 'name', 'role', 'expires_at'], body);
}
