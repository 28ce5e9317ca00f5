import { isJsonObject } from '../../domain/json.js';
import { quoteForCaller, ServiceError } from '../../domain/service-error.js';
import { type BodyRules, validateBody } from '../../http/validate-body.js';

/** A `null` field counts as absent. */
const ADMIN_BODY: BodyRules = {
  refuse: (problem) => new ServiceError('bad_request', problem),
  notAnObject: 'a JSON object is expected',
  readField: (_, value) => value ?? undefined,
};

/**
 * Validates a body of the admin API: returns `dto` with the listed fields. Refuses other fields, as a misspelt `expires_at` would make a key
 * that never expires.
 *
 * @throws ServiceError (`bad_request`) that names each wrong field.
 */
export function validateAdminBody<Dto extends object>(
  dto: Dto,
  fields: readonly (keyof Dto & string)[],
  body: unknown,
): Dto {
  const names: readonly string[] = fields;
  const unknown = isJsonObject(body) ? Object.keys(body).find((name) => !names.includes(name)) : undefined;
  if (unknown !== undefined)
    throw new ServiceError('bad_request', `${quoteForCaller(unknown)}: there is no such field`);
  return validateBody(dto, fields, body, ADMIN_BODY);
}
