import { createHash, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { namesCallers } from '../config/api-keys.js';
import { AppConfig } from '../config/app-config.js';
import { ServiceError } from '../domain/service-error.js';
import { PeriodicLog } from '../http/periodic-log.js';
import { describeError } from '../storage/database/database.js';
import { KeyStore, type StoredKey } from '../storage/stores/key.store.js';
import { IdentityTokens } from './oidc/identity-tokens.js';
import type { Principal } from './principal.js';

/** Who a request is from: by a key of `CHIRON_API_KEYS`, a key of the store, or a token of the identity provider. */
@Injectable()
export class Authenticator {
  private readonly logger = new Logger(Authenticator.name);
  readonly #unread = new PeriodicLog(this.logger, (count, reason) => `${count} keys could not be checked: ${reason}`);
  readonly #unwritten = new PeriodicLog(
    this.logger,
    (count, reason) => `the last use of ${count} keys was not stored: ${reason}`,
  );
  #hasStoredKeys = false;

  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    private readonly keys: KeyStore,
    private readonly tokens: IdentityTokens,
  ) {}

  /**
   * Whether requests need a key or a token: not on a server that never had a key and accepts no tokens. Once a key was made in the store, they need one for good: to revoke
   * the last key must not open the server. So only a `false` has to be read again.
   *
   * @throws ServiceError (`unavailable`) when the store cannot say.
   */
  async needsKey(): Promise<boolean> {
    if (namesCallers(this.config) || this.#hasStoredKeys) return true;
    this.#hasStoredKeys = await this.read(() => this.keys.hasAny());
    return this.#hasStoredKeys;
  }

  /**
   * Finds whom one of these keys or tokens belongs to. `undefined` for those that are wrong, revoked or expired.
   *
   * @throws ServiceError `unavailable` when the store or the identity provider cannot say, `forbidden` for a token that names no tenant.
   */
  async findPrincipal(presented: readonly string[]): Promise<Principal | undefined> {
    const tenant = this.findConfigured(presented);
    if (tenant !== undefined)
      return { tenant, role: 'user', keyId: undefined, subject: undefined, policies: undefined };
    const key = await this.read(() => this.keys.findValid(presented));
    if (key === undefined) return this.tokens.findPrincipal(presented);
    this.recordUse(key);
    return { tenant: key.tenant, role: key.role, keyId: key.id, subject: undefined, policies: undefined };
  }

  /** Compares full digests against every key, so that the duration reveals nothing about the keys. */
  private findConfigured(presented: readonly string[]): string | undefined {
    const digests = presented.map((key) => createHash('sha256').update(key).digest());
    let tenant: string | undefined;
    for (const key of this.config.apiKeys) {
      for (const digest of digests) if (timingSafeEqual(digest, key.sha256)) tenant = key.name;
    }
    return tenant;
  }

  /** Not waited for, and without an effect on the request: a full disk keeps nobody from reading. */
  private recordUse(key: StoredKey): void {
    this.keys.recordUse(key).catch((error: unknown) => this.#unwritten.note(describeError(error)));
  }

  private async read<Result>(query: () => Promise<Result>): Promise<Result> {
    try {
      return await query();
    } catch (error) {
      this.#unread.note(describeError(error));
      throw new ServiceError('unavailable', 'The server cannot check keys now, as its store fails.');
    }
  }
}
