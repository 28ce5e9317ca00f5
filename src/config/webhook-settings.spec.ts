import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isWebhookUrl, parseWebhookSecret } from './webhook-settings.js';

const secretOf = (bytes: number): string => `whsec_${randomBytes(bytes).toString('base64')}`;

describe('an address of webhooks', () => {
  it.each(['https://hooks.example/turns?token=a', 'http://10.0.0.1:8080'])('may be %s', (url) => {
    expect(isWebhookUrl(url)).toBe(true);
  });

  it.each([
    'hooks.example',
    'ftp://hooks.example',
    'https://user:password@hooks.example',
    'https://hooks.example/#part',
    `https://hooks.example/${'a'.repeat(2000)}`,
  ])('may not be %s', (url) => {
    expect(isWebhookUrl(url)).toBe(false);
  });
});

describe('the secret of webhooks', () => {
  it.each([24, 32, 64])('may have %i bytes', (bytes) => {
    const secret = secretOf(bytes);
    expect(parseWebhookSecret(secret)).toEqual({ value: secret });
  });

  it.each([secretOf(23), secretOf(65), randomBytes(32).toString('base64'), 'whsec_a secret of somebody', 'whsec_'])(
    'may not be %s',
    (secret) => {
      expect(parseWebhookSecret(secret)).toHaveProperty('expected');
    },
  );
});
