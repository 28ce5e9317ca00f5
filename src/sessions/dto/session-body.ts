import { type BodyRules, validateBody } from '../../http/validate-body.js';
import { SessionException } from '../session.exception.js';

/** The status is centaur's. A `null` field counts as absent. */
const SESSION_BODY: BodyRules = {
  refuse: (problem) => new SessionException(422, problem),
  notAnObject: 'a JSON object is expected',
  readField: (_, value) => value ?? undefined,
};

/**
 * Validates a body of the session API, or a part of it: returns `dto` with the listed fields.
 *
 * @throws SessionException (422) that names each wrong field.
 */
export function validateSessionBody<Dto extends object>(
  dto: Dto,
  fields: readonly (keyof Dto & string)[],
  body: unknown,
): Dto {
  return validateBody(dto, fields, body, SESSION_BODY);
}
