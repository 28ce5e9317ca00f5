import { readFileSync } from 'node:fs';
import type { AppConfig } from '../config/app-config.js';

/** PEM texts with which servers speak to each other. */
export interface PeerTls {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer;
}

/** Reads the certificate of this server, its key and the authority of all; `undefined` without them. @throws when one cannot be read. */
export function readPeerTls(
  config: Pick<AppConfig, 'clusterCertFile' | 'clusterKeyFile' | 'clusterCaFile'>,
): PeerTls | undefined {
  const { clusterCertFile, clusterKeyFile, clusterCaFile } = config;
  if (clusterCertFile === undefined || clusterKeyFile === undefined || clusterCaFile === undefined) return undefined;
  return { cert: readFileSync(clusterCertFile), key: readFileSync(clusterKeyFile), ca: readFileSync(clusterCaFile) };
}
