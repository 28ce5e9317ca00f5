import { type CanActivate, type ExecutionContext, Inject, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { createHash, timingSafeEqual } from 'node:crypto';
import { AppConfig } from '../config/app-config.js';
import { AnthropicException } from '../translator/anthropic.exception.js';
import { LOCAL_TENANT, type Principal, setPrincipal } from './principal.js';
import { refuseWebPages } from './web-pages.js';

const PUBLIC = 'chiron:public';

/** Lets everybody call a route. Every other route is closed to callers without a key. */
export const Public = (): MethodDecorator & ClassDecorator => SetMetadata(PUBLIC, true);

/** Lets a request in when it carries one of the deployment's keys, as `x-api-key` or as `Authorization: Bearer`. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    @Inject(AppConfig) private readonly config: AppConfig,
  ) {}

  /** @throws AnthropicException (401) that tells clients not to retry: Claude Code would, for minutes. */
  canActivate(context: ExecutionContext): boolean {
    const isPublic = this.reflector.getAllAndOverride<boolean | undefined>(PUBLIC, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (isPublic === true) return true;
    const request = context.switchToHttp().getRequest<Request>();
    if (this.config.apiKeys.length === 0) refuseWebPages(request, this.config.corsOrigins);
    const principal = this.principal(presentedKeys(request));
    if (principal === undefined) {
      throw new AnthropicException('authentication_error', 'invalid x-api-key');
    }
    setPrincipal(request, principal);
    return true;
  }

  private principal(presented: readonly string[]): Principal | undefined {
    if (this.config.apiKeys.length === 0) return { tenant: LOCAL_TENANT };
    const digests = presented.map((key) => createHash('sha256').update(key).digest());
    // Every key is compared, and whole digests, so that the time taken tells nothing about the keys.
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
