import { type CanActivate, type ExecutionContext, Inject, Injectable, Logger, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { AppConfig } from '../config/app-config.js';
import { ServiceError } from '../domain/service-error.js';
import { PeriodicLog } from '../http/periodic-log.js';
import { Authenticator } from './authenticator.js';
import { FailedKeys } from './failed-keys.js';
import { noteRequestFacts } from '../http/request-facts.js';
import { LOCAL_PRINCIPAL, type Principal, setPrincipal } from './principal.js';
import { assertNotCrossSite } from './web-pages.js';

const PUBLIC = 'chiron:public';

/** Opens a route to callers without a key or token. All other routes require one. */
export const Public = (): MethodDecorator & ClassDecorator => SetMetadata(PUBLIC, true);

/** Admits requests that carry a key of the settings, a key of the store or a token of the identity provider, as `x-api-key` or `Authorization: Bearer`. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  readonly #failed = new FailedKeys();
  readonly #log = new PeriodicLog(
    new Logger(ApiKeyGuard.name),
    (count, address) => `${count} requests without a valid key, the last one from ${address}`,
  );

  constructor(
    private readonly reflector: Reflector,
    private readonly authenticator: Authenticator,
    @Inject(AppConfig) private readonly config: AppConfig,
  ) {}

  /**
   * @throws ServiceError `unauthenticated`, or `rate_limited` after many, marked as not retryable: Claude Code would retry for minutes;
   * `unavailable` when the store or the identity provider cannot say, `forbidden` for a token without a tenant.
   */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const isPublic = this.reflector.getAllAndOverride<boolean | undefined>(PUBLIC, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (isPublic === true) return true;
    const request = context.switchToHttp().getRequest<Request>();
    if (!(await this.authenticator.needsKey())) {
      assertNotCrossSite(request, this.config.corsOrigins);
      return this.admit(request, LOCAL_PRINCIPAL);
    }
    const presented = presentedKeys(request);
    const principal = await this.authenticator.findPrincipal(presented);
    if (principal === undefined) throw this.refusal(request, presented.length > 0);
    return this.admit(request, principal);
  }

  private admit(request: Request, principal: Principal): true {
    const { tenant, keyId, subject } = principal;
    setPrincipal(request, principal);
    noteRequestFacts(request, { tenant, keyId, subject });
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
}

/** The keys and tokens that a request carries. SDKs before 1.0 send `x-api-key`, from 1.0 on `Authorization: Bearer`; Claude Code's apiKeyHelper sends both. */
export function presentedKeys(request: Request): readonly string[] {
  const bearer = /^Bearer\s+(\S+)\s*$/i.exec(request.get('authorization') ?? '')?.[1];
  return [request.get('x-api-key'), bearer].filter((key) => key !== undefined && key !== '').map(String);
}
