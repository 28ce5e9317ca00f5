import { Inject, Injectable, Logger } from '@nestjs/common';
import { errors, type JWTPayload, jwtVerify } from 'jose';
import { AppConfig } from '../../config/app-config.js';
import { ServiceError } from '../../domain/service-error.js';
import { PeriodicLog } from '../../http/periodic-log.js';
import type { Principal } from '../principal.js';
import { KeysUnavailableError, ProviderKeys } from './provider-keys.js';
import { toPrincipal } from './token-principal.js';

/** Signatures by a private key of the provider. Never `none`, and no HMAC: its key would have to be public. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

/** How far the provider's clock may be from this one. */
const CLOCK_TOLERANCE_SECONDS = 30;

/** A signed token: three parts in base64url. Anything else is not looked at. */
const TOKEN = /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/;

/** Who has a token of the company's identity provider, if `CHIRON_OIDC_ISSUER` names one. */
@Injectable()
export class IdentityTokens {
  private readonly logger = new Logger(IdentityTokens.name);
  readonly #refused = new PeriodicLog(
    this.logger,
    (count, reason) => `${count} tokens of the identity provider were refused, the last one because: ${reason}`,
  );
  readonly #away = new PeriodicLog(
    this.logger,
    (count, reason) => `the keys of the identity provider could not be read ${count} times: ${reason}`,
  );
  readonly #keys: ProviderKeys | undefined;

  constructor(@Inject(AppConfig) private readonly config: AppConfig) {
    const { oidcIssuer } = config;
    this.#keys =
      oidcIssuer === undefined ? undefined : new ProviderKeys(oidcIssuer, (reason) => this.#away.note(reason));
  }

  /**
   * Finds whom the first valid token of these texts belongs to. `undefined` if there is none.
   *
   * @throws ServiceError `forbidden` for a valid token without a tenant, `unavailable` while the provider's keys are not known.
   */
  async findPrincipal(presented: readonly string[]): Promise<Principal | undefined> {
    for (const token of presented.filter((text) => TOKEN.test(text))) {
      const claims = await this.verify(token);
      if (claims !== undefined) return toPrincipal(claims, this.config);
    }
    return undefined;
  }

  private async verify(token: string): Promise<JWTPayload | undefined> {
    const { oidcIssuer: issuer, oidcAudience: audience } = this.config;
    if (this.#keys === undefined || issuer === undefined || audience === undefined) return undefined;
    try {
      const { payload } = await jwtVerify(token, this.#keys.find, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        requiredClaims: ['exp', 'sub'],
      });
      return payload;
    } catch (error) {
      if (error instanceof KeysUnavailableError) {
        throw new ServiceError(
          'unavailable',
          'The server cannot check tokens now, as the identity provider does not answer.',
        );
      }
      if (!(error instanceof errors.JOSEError)) throw error;
      this.#refused.note(error.message);
      return undefined;
    }
  }
}
