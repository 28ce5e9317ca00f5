import { IsInt, IsOptional, IsString } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { type BodyRules, validateBody } from './validate-body.js';

class Dto {
  @IsString()
  readonly name!: string;

  @IsOptional()
  @IsInt()
  readonly size: number | null = 3;
}

class Refusal extends Error {}

const RULES: BodyRules = {
  refuse: (problem) => new Refusal(problem),
  notAnObject: 'no object',
  readField: (_, value) => value,
};
const validate = (body: unknown, rules = RULES) => validateBody(new Dto(), ['name', 'size'], body, rules);

describe('a body', () => {
  it('gives the listed fields, and keeps defaults for missing ones', () => {
    expect(validate({ name: 'a', other: 1 })).toEqual({ name: 'a', size: 3 });
    expect(validate({ name: 'a', size: null })).toEqual({ name: 'a', size: null });
  });

  it('is refused with the API’s error, which names each invalid field', () => {
    expect(() => validate({ size: 'x' })).toThrow(
      new Refusal('name: Field required; size: Input should be a valid integer'),
    );
    expect(() => validate([])).toThrow(new Refusal('no object'));
  });

  it('may treat null as a missing field', () => {
    const rules = { ...RULES, readField: (_: string, value: unknown) => value ?? undefined };
    expect(validate({ name: 'a', size: null }, rules)).toEqual({ name: 'a', size: 3 });
    expect(() => validate({ name: null }, rules)).toThrow('name: Field required');
  });
});
