import { type ValidationError, validateSync } from 'class-validator';
import { isJsonObject } from '../domain/json.js';
import { listProblems } from './field-problems.js';

/** How an API validates its request bodies. */
export interface BodyRules {
  /** Makes the API's error for an invalid body. */
  readonly refuse: (problem: string) => Error;
  /** The problem of a body that is not a JSON object. */
  readonly notAnObject: string;
  /** Maps a field to the value to validate; `undefined` skips the field. */
  readonly readField: (field: string, value: unknown) => unknown;
}

/**
 * Copies the listed fields of a body into `dto` and validates them by its decorators. Other fields are ignored.
 *
 * @throws the error that `refuse` makes of one sentence per invalid field.
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
  // Fields of a class come before those that it inherits.
  const position = ({ property }: ValidationError): number => fields.findIndex((field) => field === property);
  const errors = validateSync(dto).toSorted((one, other) => position(one) - position(other));
  const problems = listProblems(errors);
  if (problems.length > 0) throw refuse(problems.join('; '));
  return dto;
}
