import { validateSync } from 'class-validator';
import { isJsonObject } from '../../domain/json.js';
import { listProblems } from '../../http/field-problems.js';
import { SessionException } from '../session.exception.js';

/**
 * A body, or a part of it, as a request: `dto` with the fields that it declares, checked. Other fields are ignored. `null` is
 * the same as leaving a field out.
 *
 * @throws SessionException (422) that names each field that is wrong; centaur answers the same status.
 */
export function validateBody<Dto extends object>(
  dto: Dto,
  fields: readonly (keyof Dto & string)[],
  body: unknown,
): Dto {
  if (!isJsonObject(body)) throw new SessionException(422, 'a JSON object is expected');
  for (const field of fields) {
    const value = body[field];
    if (value !== undefined && value !== null) Reflect.set(dto, field, value);
  }
  const problems = listProblems(validateSync(dto));
  if (problems.length > 0) throw new SessionException(422, problems.join('; '));
  return dto;
}
