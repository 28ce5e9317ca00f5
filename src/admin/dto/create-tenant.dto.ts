import { ApiProperty } from '@nestjs/swagger';
import { IsString, Matches, MaxLength } from 'class-validator';
import { MAX_NAME_LENGTH, TENANT_NAME } from '../../config/api-keys.js';
import { validateAdminBody } from './admin-body.js';

/** What a wrong name of a tenant is told. */
export const TENANT_NAME_RULE = 'may have letters, digits, dots, hyphens and underscores only';

/** The body that makes a tenant. */
export class CreateTenantDto {
  @ApiProperty({
    description: 'The name of its threads. Letters, digits, `.`, `-` and `_`.',
    type: String,
    pattern: TENANT_NAME.source,
    maxLength: MAX_NAME_LENGTH,
    examples: ['team-a'],
  })
  @IsString()
  @MaxLength(MAX_NAME_LENGTH)
  @Matches(TENANT_NAME, { message: TENANT_NAME_RULE })
  readonly name!: string;
}

/** @throws ServiceError (`bad_request`) that names each wrong field. */
export function parseCreateTenant(body: unknown): CreateTenantDto {
  return validateAdminBody(new CreateTenantDto(), ['name'], body);
}
