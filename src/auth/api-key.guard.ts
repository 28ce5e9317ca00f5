import { type CanActivate, type ExecutionContext, Inject, Injectable, Logger, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { createHash, timingSafeEqual } from 'node:crypto';
import { AppConfig } from '../config/app-config.js';
import { ServiceError } from '../domain/service-error.js';
import { PeriodicLog } from '../http/periodic-log.js';
import { FailedKeys } from './failed-keys.js';
import { LOCAL_TENANT, type Principal, setPrincipal } from './principal.js';
import { assertNotCrossSite } from './web-pages.js';

const PUBLIC = 'chiron:public';

/** Opens a route to callers without a key. All other routes require one. */
export const Public = (): MethodDecorator & ClassDecorator => SetMetadata(PUBLIC, true);

/** Admits requests that carry one of the deployment's keys, as `x-api-key` or `Authorization: Bearer`. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  readonly #failed = new FailedKeys();
  readonly #log = new PeriodicLog(
    new Logger(ApiKeyGuard.name),
    (count, address) => `${count} requests without a valid key, the last one from ${address}`,
  );

  constructor(
    private readonly reflector: Reflector,
    @Inject(AppConfig) private readonly config: AppConfig,
  ) {}

  /** @throws ServiceError (`unauthenticated`, or `rate_limited` after many), marked as not retryable: Claude Code would retry for minutes. */
  canActivate(context: ExecutionContext): boolean {
    const isPublic = this.reflector.getAllAndOverride<boolean | undefined>(PUBLIC, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (isPublic === true) return true;
    const request = context.switchToHttp().getRequest<Request>();
    if (this.config.apiKeys.length === 0) assertNotCrossSite(request, this.config.corsOrigins);
    const presented = presentedKeys(request);
    const principal = this.principal(presented);
    if (principal === undefined) throw this.refusal(request, presented.length > 0);
    setPrincipal(request, principal);
    return true;
  }

  /**
   * Counts failures by the address of the connection and ignores `X-Forwarded-For`. A caller with a valid key is never slowed down,
   * because behind a load balancer all callers share one address.
   */
  private refusal({ socket }: Request, hasKey: boolean): ServiceError {
    const address = socket.remoteAddress ?? 'unknown';
    this.#log.note(address);
    // A request without a key guesses nothing.
    const waitSeconds = hasKey ? this.#failed.record(address, Date.now()) : undefined;
    if (waitSeconds === undefined) return new ServiceError('unauthenticated', 'invalid x-api-key');
    return new ServiceError('rate_limited', 'Too many requests without a valid key.', {
      retryAfterSeconds: waitSeconds,
      isRetryable: false,
    });
  }

  private principal(presented: readonly string[]): Principal | undefined {
    if (this.config.apiKeys.length === 0) return { tenant: LOCAL_TENANT };
    const digests = presented.map((key) => createHash('sha256').update(key).digest());
    // Compares full digests against every key, so that the duration reveals nothing about the keys.
    let tenant: string | undefined;
    for (const key of this.config.apiKeys) {
      for (const digest of digests) if (timingSafeEqual(digest, key.sha256)) tenant = key.name;
    }
    return tenant === undefined ? undefined : { tenant };
  }
}

/** SDKs before 1.0 send `x-api-key`, from 1.0 on `Authorization: Bearer`; Claude Code's apiKeyHelper sends both. */
function presentedKeys(request: Request): readonly string[] {
  const bearer = /^Bearer\s+(\S+)\s*$/i.exec(request.get('authorization') ?? '')?.[1];
  return [request.get('x-api-key'), bearer].filter((key) => key !== undefined && key !== '').map(String);
}
