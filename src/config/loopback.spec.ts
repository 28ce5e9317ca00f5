import { expect, it } from 'vitest';
import { isLoopback } from './loopback.js';

it.each(['localhost', 'LOCALHOST', '127.0.0.1', '127.9.9.9', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '[::1]'])(
  '%s is loopback',
  (host) => expect(isLoopback(host)).toBe(true),
);

it.each([
  '0.0.0.0',
  '::',
  '127.999.1.1',
  '127.0.0.1.example',
  'localhost.example',
  '10.0.0.1',
  '::2',
  '::ffff:10.0.0.1',
])('%s is not loopback', (host) => expect(isLoopback(host)).toBe(false));
