import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CertificateAuthority, isLasting, makeAuthority } from './authority.ts';
import { listTrustedRoots } from './trusted-roots.ts';

/**
 * Loads the deployment's certificate authority, or makes it if there is none or it will end soon.
 *
 * @param folder a folder that no agent can read. It gets mode 0700, the file with the key 0600.
 * @throws if the file cannot be read or written, or is damaged.
 */
export async function loadAuthority(folder: string): Promise<CertificateAuthority> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  // Key and certificate are one file, so that a crash cannot leave one without the other.
  const file = join(folder, 'authority.pem');
  const known = await readAuthority(file);
  if (known !== undefined && isLasting(known)) return known;
  const made = await makeAuthority();
  await replaceFile(file, `${made.key}\n${made.cert}\n`, 0o600);
  return made;
}

/**
 * Writes the file with the authorities that tools of agents trust: those of this machine and the deployment's own.
 *
 * @param file where every agent can read it, and none can write it.
 */
export async function writeCaBundle(file: string, { cert }: CertificateAuthority): Promise<void> {
  await replaceFile(file, `${[cert, ...listTrustedRoots()].map((root) => root.trim()).join('\n')}\n`, 0o644);
}

async function readAuthority(file: string): Promise<CertificateAuthority | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  const [key, cert] = ['PRIVATE KEY', 'CERTIFICATE'].map((kind) => findPem(text, kind));
  // A new authority would be distrusted by the agents that run, so that an operator has to decide.
  if (key === undefined || cert === undefined) {
    throw new Error(`${file} is damaged. Remove it, and the next start makes another certificate authority.`);
  }
  return { key, cert };
}

function findPem(text: string, kind: string): string | undefined {
  return new RegExp(`-----BEGIN ${kind}-----[^-]+-----END ${kind}-----`).exec(text)?.[0];
}

async function replaceFile(file: string, text: string, mode: number): Promise<void> {
  const made = `${file}.new`;
  await writeFile(made, text, { mode });
  await chmod(made, mode);
  await rename(made, file);
}
