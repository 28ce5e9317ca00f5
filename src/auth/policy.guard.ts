import { type CanActivate, type ExecutionContext, Injectable, Logger, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, Response } from 'express';
import { assertPermitted } from '../domain/policy/permissions.js';
import type { AppliedPolicies } from '../domain/policy/policy.js';
import { ServiceError } from '../domain/service-error.js';
import { PeriodicLog } from '../http/periodic-log.js';
import { describeError } from '../storage/database/database.js';
import { PolicyStore } from '../storage/stores/policy.store.js';
import { CallerLimits } from './caller-limits.js';
import { findPrincipal, type Principal, setPrincipal } from './principal.js';

const UNLIMITED = 'chiron:unlimited';

/** Keeps policies from a route: an administrator who has limited the own key can still raise the limit. */
export const Unlimited = (): MethodDecorator & ClassDecorator => SetMetadata(UNLIMITED, true);

/** Binds each caller to the policies of its key and its tenant, and counts its request; runs after {@link ApiKeyGuard}. */
@Injectable()
export class PolicyGuard implements CanActivate {
  readonly #unread = new PeriodicLog(
    new Logger(PolicyGuard.name),
    (count, reason) => `the policies of ${count} requests could not be read: ${reason}`,
  );

  constructor(
    private readonly reflector: Reflector,
    private readonly policies: PolicyStore,
    private readonly limits: CallerLimits,
  ) {}

  /**
   * @throws ServiceError `forbidden` for a thread that the caller may not name, `rate_limited` for one request too many, `unavailable`
   * when the store cannot say.
   */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<Request>();
    const principal = findPrincipal(request);
    const isUnlimited = this.reflector.getAllAndOverride<boolean | undefined>(UNLIMITED, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (principal === undefined || isUnlimited === true) return true;
    const policies = await this.read(principal);
    setPrincipal(request, { ...principal, policies });
    if (policies === undefined || policies.length === 0) return true;
    const { threadKey } = request.params;
    // Every route with this parameter is about the thread that it names.
    if (typeof threadKey === 'string') assertPermitted(policies, { threadKey });
    await this.limits.countRequest(http.getResponse<Response>(), policies);
    return true;
  }

  /** `undefined` when the store cannot be read, and keys of the settings go on without it: they start no work then, see `requirePolicies`. */
  private async read({ tenant, keyId }: Principal): Promise<AppliedPolicies | undefined> {
    try {
      return await this.policies.find(tenant, keyId);
    } catch (error) {
      this.#unread.note(describeError(error));
      if (keyId === undefined) return undefined;
      throw new ServiceError('unavailable', 'The server cannot check policies now, as its store fails.');
    }
  }
}
