import type { AppConfig } from '../config/app-config.js';
import type { ObjectStore } from './objects/object-store.js';

/** Makes the store of objects that the settings name, which is not asked yet. Its client is loaded only where it is used. */
export async function createObjectStore(config: AppConfig): Promise<ObjectStore> {
  const { S3ObjectStore } = await import('./objects/s3-object-store.js');
  const { s3AccessKeyId: accessKeyId, s3SecretAccessKey: secretAccessKey } = config;
  const hasKey = accessKeyId !== undefined && secretAccessKey !== undefined;
  return new S3ObjectStore({
    endpoint: config.s3Endpoint,
    region: config.s3Region,
    bucket: config.s3Bucket ?? '',
    prefix: config.s3Prefix,
    credentials: hasKey ? { accessKeyId, secretAccessKey } : undefined,
  });
}
