import { describe, expect, it } from 'vitest';
import { EVENT_TRAITS, type EventTraits, hasTrait, isKnownEvent, PLACEHOLDER } from './event-traits.js';

const ALL: readonly (readonly [string, EventTraits])[] = Object.entries(EVENT_TRAITS);

describe('the kinds of events', () => {
  it.each(ALL.filter(([, { hasContent }]) => !hasContent))(
    '%s, which a reader may ignore, has no other trait by which one would notice',
    (_, traits) => {
      expect({ ...traits, begins: false, unit: 'none' }).toEqual(EVENT_TRAITS.notice);
    },
  );

  it.each(ALL.filter(([, { isDelta }]) => isDelta))('%s, a piece, is a piece of a block', (_, { unit }) => {
    expect(unit).toBe('block');
  });

  it('include only own names', () => {
    expect(isKnownEvent({ type: 'notice' })).toBe(true);
    for (const type of ['from-the-future', '', 'toString', '__proto__']) expect(isKnownEvent({ type })).toBe(false);
  });

  it('give the traits of an event', () => {
    expect(hasTrait({ type: 'block-end', id: 'a' }, 'unit', 'block')).toBe(true);
    expect(hasTrait({ type: 'block-end', id: 'a' }, 'isDelta', true)).toBe(false);
    expect(hasTrait(PLACEHOLDER, 'hasContent', false)).toBe(true);
  });
});
