import { describe, expect, it } from 'vitest';
import { decodeHeader, encodeHeader } from './header-text.js';

describe('a header', () => {
  it('carries UTF-8, which Node reads as Latin-1', () => {
    expect(decodeHeader(Buffer.from('ż:🌍').toString('latin1'))).toBe('ż:🌍');
    expect(decodeHeader(encodeHeader('ż:🌍'))).toBe('ż:🌍');
    expect(encodeHeader('plain')).toBe('plain');
  });
});
