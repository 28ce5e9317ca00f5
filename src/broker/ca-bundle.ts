import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The file with the certificate authorities that programs of agents trust. It is seen inside under the same path. */
export function toBundleFile(dataDirectory: string): string {
  return join(dataDirectory, 'sandbox', 'authorities.pem');
}

/** Makes the file if it is not there, so that it can be mounted before the authorities are known; returns its path. */
export function prepareBundleFile(dataDirectory: string): string {
  const file = toBundleFile(dataDirectory);
  mkdirSync(join(dataDirectory, 'sandbox'), { recursive: true });
  // The users of threads pass through it.
  chmodSync(join(dataDirectory, 'sandbox'), 0o711);
  if (!existsSync(file)) writeFileSync(file, '', { mode: 0o644 });
  return file;
}
