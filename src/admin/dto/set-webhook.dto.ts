import { ApiProperty } from '@nestjs/swagger';
import { IsString, ValidateBy } from 'class-validator';
import { isWebhookUrl, MAX_WEBHOOK_URL_LENGTH, WEBHOOK_URL_RULE } from '../../config/webhook-settings.js';
import { validateAdminBody } from './admin-body.js';

/** The body that sets the webhook of a tenant. */
export class SetWebhookDto {
  @ApiProperty({
    description: 'Where webhooks are sent.',
    type: String,
    maxLength: MAX_WEBHOOK_URL_LENGTH,
    examples: ['https://hooks.example/turns'],
  })
  @IsString()
  @ValidateBy(
    { name: 'isWebhookUrl', validator: { validate: (value) => typeof value === 'string' && isWebhookUrl(value) } },
    { message: WEBHOOK_URL_RULE },
  )
  readonly url!: string;
}

/** @throws ServiceError (`bad_request`) that names each wrong field. */
export function parseSetWebhook(body: unknown): SetWebhookDto {
  return validateAdminBody(new SetWebhookDto(), ['url'], body);
}
