import { expect, it } from 'vitest';
import { listenError, startErrorText } from './start-error.js';

it('renders a start error as a sentence, and as a stack only at the log levels debug and trace', () => {
  const error = new TypeError('x is not a function');
  expect(startErrorText(error, 'info')).toBe('Chiron cannot start: x is not a function');
  expect(startErrorText(error, undefined)).not.toContain('\n');
  expect(startErrorText(error, 'debug')).toContain('start-error.spec');
  expect(startErrorText(new Error('Chiron cannot open x.'), 'info')).toBe('Chiron cannot open x.');
  expect(startErrorText('thrown text')).toBe('Chiron cannot start: thrown text');
});

it.each([
  ['EADDRINUSE', 'Chiron cannot listen on ::1 port 80: another program listens there.'],
  ['EACCES', 'Chiron cannot listen on ::1 port 80: this user may not use that port.'],
  ['EMFILE', 'Chiron cannot listen on ::1 port 80: listen EMFILE.'],
])('names the reason why a server cannot listen: %s', (code, sentence) => {
  expect(listenError('::1', 80, Object.assign(new Error(`listen ${code}`), { code })).message).toBe(sentence);
});
