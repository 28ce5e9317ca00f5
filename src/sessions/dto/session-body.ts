import { type BodyRules, validateBody } from '../../http/validate-body.js';
import { SessionException } from '../session.exception.js';

/** centaur answers the same status. `null` is the same as leaving a field out. */
const SESSION_BODY: BodyRules = {
  refuse: (problem) => new SessionException(422, problem),
  notAnObject: 'a JSON object is expected',
  readField: (_, value) => value ?? undefined,
};

/**
 * A body of the session API, or a part of it: `dto` with the listed fields, checked.
 *
 * @throws SessionException (422) that names each field that is wrong.
 */
export function validateSessionBody<Dto extends object>(
  dto: Dto,
  fields: readonly (keyof Dto & string)[],
  body: unknown,
): Dto {
  return validateBody(dto, fields, body, SESSION_BODY);
}
