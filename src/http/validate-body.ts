import { validateSync } from 'class-validator';
import { isJsonObject } from '../domain/json.js';
import { listProblems } from './field-problems.js';

/** How an API checks its bodies. */
export interface BodyRules {
  /** The refusal of a body, in the API's own form. */
  readonly refuse: (problem: string) => Error;
  /** What is wrong with a body that is no JSON object. */
  readonly notAnObject: string;
  /** The value to check in place of a field's; `undefined` leaves the field out. */
  readonly readField: (field: string, value: unknown) => unknown;
}

/**
 * Copies the listed fields of a body into `dto` and checks them by its decorators. Other fields are ignored.
 *
 * @throws what `refuse` makes of one sentence for each field that is wrong.
 */
export function validateBody<Dto extends object>(
  dto: Dto,
  fields: readonly (keyof Dto & string)[],
  body: unknown,
  { refuse, notAnObject, readField }: BodyRules,
): Dto {
  if (!isJsonObject(body)) throw refuse(notAnObject);
  for (const field of fields) {
    const value = readField(field, body[field]);
    if (value !== undefined) Reflect.set(dto, field, value);
  }
  const problems = listProblems(validateSync(dto));
  if (problems.length > 0) throw refuse(problems.join('; '));
  return dto;
}
