import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import type { AppliedPolicies } from '../domain/policy/policy.js';
import { ServiceError } from '../domain/service-error.js';
import type { KeyRole } from '../storage/stores/key.store.js';

/** The authenticated sender of a request. */
export interface Principal {
  /** The owner of the request's threads: the name of its key in `CHIRON_API_KEYS`, the tenant of its key in the store, or that of its token. */
  readonly tenant: string;
  readonly role: KeyRole;
  /** The id of its key, if that is in the store. */
  readonly keyId: string | undefined;
  /** Whom the identity provider calls so, if it has a token; fit for logs. */
  readonly subject: string | undefined;
  /** The policies that bind it; `undefined` while the store cannot say, see {@link requirePolicies}. */
  readonly policies: AppliedPolicies | undefined;
}

/** All callers of a server that never had a key. */
export const LOCAL_PRINCIPAL: Principal = {
  tenant: 'local',
  role: 'user',
  keyId: undefined,
  subject: undefined,
  policies: undefined,
};

const principals = new WeakMap<Request, Principal>();

/** Records the sender of a request. Only the guard calls this. */
export function setPrincipal(request: Request, principal: Principal): void {
  principals.set(request, principal);
}

/** The sender of a request; `undefined` on a route that is open to everybody. */
export function findPrincipal(request: Request): Principal | undefined {
  return principals.get(request);
}

/**
 * The policies that bind a caller, for what only they may allow.
 *
 * @throws ServiceError (`unavailable`) when the store could not say.
 */
export function requirePolicies({ policies }: Principal): AppliedPolicies {
  if (policies !== undefined) return policies;
  throw new ServiceError('unavailable', 'The server cannot check policies now, as its store fails.');
}

/** The sender of a request. Throws for a request that has not passed the guard, which would be a bug in its route. */
export function getPrincipal(request: Request): Principal {
  const principal = findPrincipal(request);
  if (principal === undefined) throw new Error('unreachable: the request has passed no guard');
  return principal;
}

/** Injects the {@link Principal} of the request into a controller's method. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext) =>
  getPrincipal(context.switchToHttp().getRequest<Request>()),
);
