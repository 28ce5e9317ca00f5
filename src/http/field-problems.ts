import type { ValidationError } from 'class-validator';

const FIELD_REQUIRED = 'Field required';

/**
 * The rules of class-validator in the words of the API, which are pydantic's: of several that a value breaks, the first one is reported.
 * A rule that is not here is reported in its own words.
 */
const WORDS: ReadonlyMap<string, (message: string) => string> = new Map<string, (message: string) => string>([
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

/** What is wrong with a value that is not as it should be, in the words of the API: that it is missing, or the problem. */
export function missingOr(value: unknown, problem: string): string {
  return value === undefined ? FIELD_REQUIRED : problem;
}

/** What is wrong with the fields of a request: one sentence for each, behind its name. */
export function listProblems(errors: readonly ValidationError[]): readonly string[] {
  return errors.map(describeProblem);
}

function describeProblem({ property, value, constraints = {} }: ValidationError): string {
  const given: unknown = value;
  if (given === undefined) return `${property}: ${FIELD_REQUIRED}`;
  for (const [rule, words] of WORDS) {
    const message = constraints[rule];
    if (message !== undefined) return `${toPath(property, given, rule)}: ${words(message)}`;
  }
  const [message = 'Input is not valid'] = Object.values(constraints);
  return `${property}: ${message.replace(`${property} `, '')}`;
}

/** Of a list in which an element is no string the place of that element. */
function toPath(property: string, value: unknown, rule: string): string {
  if (rule !== 'isString' || !Array.isArray(value)) return property;
  return `${property}.${value.findIndex((element) => typeof element !== 'string')}`;
}

/** class-validator has a rule's number in its message only. */
function numberIn(message: string): string {
  return /\d+/.exec(message)?.[0] ?? '0';
}
