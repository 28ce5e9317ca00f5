import type { ValidationError } from 'class-validator';

const FIELD_REQUIRED = 'Field required';

/**
 * The texts of the API (pydantic's) for class-validator's rules. If a value breaks several rules, the first one here is reported.
 * Other rules keep their own text.
 */
const RULE_TEXTS: ReadonlyMap<string, (message: string) => string> = new Map<string, (message: string) => string>([
  ['isString', () => 'Input should be a valid string'],
  ['isInt', () => 'Input should be a valid integer'],
  ['isBoolean', () => 'Input should be a valid boolean'],
  ['isArray', () => 'Input should be a valid list'],
  ['isObject', () => 'Input should be a valid dictionary'],
  ['isNotEmpty', () => 'String should have at least 1 character'],
  ['arrayNotEmpty', () => 'at least one message is required'],
  ['min', (message) => `Input should be greater than or equal to ${numberIn(message)}`],
  ['maxLength', (message) => `String should have at most ${numberIn(message)} characters`],
  ['arrayMaxSize', (message) => `List should have at most ${numberIn(message)} items`],
  ['isIn', (message) => `Input should be one of ${message.slice(message.indexOf(': ') + 2)}`],
]);

/** Returns the API's text for a missing value, or else the problem. */
export function missingOr(value: unknown, problem: string): string {
  return value === undefined ? FIELD_REQUIRED : problem;
}

/** Describes the problem of each invalid field, after its name. */
export function listProblems(errors: readonly ValidationError[]): readonly string[] {
  return errors.map(describeProblem);
}

function describeProblem({ property, value, constraints = {} }: ValidationError): string {
  const invalid: unknown = value;
  if (invalid === undefined) return `${property}: ${FIELD_REQUIRED}`;
  for (const [rule, toText] of RULE_TEXTS) {
    const message = constraints[rule];
    if (message !== undefined) return `${toPath(property, invalid, rule)}: ${toText(message)}`;
  }
  const [message = 'Input is not valid'] = Object.values(constraints);
  return `${property}: ${message.replace(`${property} `, '')}`;
}

/** Returns the path of the field, or of the first element of a list that is not a string. */
function toPath(property: string, value: unknown, rule: string): string {
  if (rule !== 'isString' || !Array.isArray(value)) return property;
  return `${property}.${value.findIndex((element) => typeof element !== 'string')}`;
}

/** Reads the number of a rule, which class-validator has only in its message. */
function numberIn(message: string): string {
  return /\d+/.exec(message)?.[0] ?? '0';
}
