import { isIPv4 } from 'node:net';

/** Whether a host, as in `HOST` or in the `Host` header without its port, is this machine alone. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return name === 'localhost' || name === '::1' || name === '[::1]' || (isIPv4(name) && name.startsWith('127.'));
}
