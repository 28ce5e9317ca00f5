import { ValidateBy } from 'class-validator';

/**
 * Refuses a field of centaur that has no effect here, when it holds something that its client would miss: anything but an empty text, list
 * or object, and the accepted texts.
 */
export function RefusedUnlessEmpty(why: string, accepted: readonly string[] = []): PropertyDecorator {
  return ValidateBy({
    name: 'isEmpty',
    validator: {
      validate: (value: unknown) => isEmpty(value) || (typeof value === 'string' && accepted.includes(value)),
      defaultMessage: () => why,
    },
  });
}

function isEmpty(value: unknown): boolean {
  if (typeof value === 'string') return value.trim() === '';
  return typeof value === 'object' && (value === null || Object.keys(value).length === 0);
}
