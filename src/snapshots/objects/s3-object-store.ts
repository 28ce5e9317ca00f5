import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  NoSuchKey,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { ObjectMissingError, type ObjectStore, type StoredObject } from './object-store.js';

/** Where a bucket is. */
export interface S3Options {
  /** Of a store that is not AWS's own; `undefined` for that of the region. */
  readonly endpoint: string | undefined;
  readonly region: string;
  readonly bucket: string;
  /** Before every key; may be empty. */
  readonly prefix: string;
  /** `undefined` for what the environment gives: a role of the machine or pod, a profile. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
}

const CONNECT_MS = 5000;
/** Longest silence on a connection. */
const SILENCE_MS = 60_000;
const TRIES = 4;

/** Parts of an upload: at most two of them are in memory. S3 takes 10,000, thus 80 GB. */
const PART_BYTES = 8 * 1024 * 1024;
const PARTS_AT_ONCE = 2;

/** A bucket of S3, or of a store with its API. Keys are below the prefix, which callers do not see. */
export class S3ObjectStore implements ObjectStore {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  constructor({ endpoint, region, bucket, prefix, credentials }: S3Options) {
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.#client = new S3Client({
      region,
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(credentials === undefined ? {} : { credentials }),
      // Buckets as parts of a host's name need wildcard certificates, which few stores but AWS have.
      forcePathStyle: true,
      maxAttempts: TRIES,
      requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: SILENCE_MS },
      // Not all stores know S3's newer checksums; what is stored has its own.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
  }

  async check(): Promise<void> {
    await this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket }));
  }

  async put(key: string, body: AsyncIterable<Uint8Array>): Promise<void> {
    const upload = new Upload({
      client: this.#client,
      params: { Bucket: this.#bucket, Key: `${this.#prefix}${key}`, Body: Readable.from(body, { objectMode: false }) },
      partSize: PART_BYTES,
      queueSize: PARTS_AT_ONCE,
    });
    await upload.done();
  }

  async get(key: string): Promise<AsyncIterable<Uint8Array>> {
    try {
      const { Body } = await this.#client.send(
        new GetObjectCommand({ Bucket: this.#bucket, Key: `${this.#prefix}${key}` }),
      );
      if (!(Body instanceof Readable)) throw new Error('the store answered without a body');
      return Body;
    } catch (error) {
      if (error instanceof NoSuchKey) throw new ObjectMissingError(key);
      throw error;
    }
  }

  async *list(prefix: string): AsyncGenerator<StoredObject> {
    const pages = paginateListObjectsV2(
      { client: this.#client },
      { Bucket: this.#bucket, Prefix: `${this.#prefix}${prefix}` },
    );
    for await (const { Contents = [] } of pages) {
      for (const { Key, LastModified } of Contents) {
        if (Key === undefined || LastModified === undefined) continue;
        yield { key: Key.slice(this.#prefix.length), modifiedMs: LastModified.getTime() };
      }
    }
  }

  async remove(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: `${this.#prefix}${key}` }));
  }
}
