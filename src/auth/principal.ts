import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';

/** The authenticated sender of a request. */
export interface Principal {
  /** The owner of the request's threads: the name of its key. */
  readonly tenant: string;
}

/** The tenant of all callers when no keys are configured. */
export const LOCAL_TENANT = 'local';

const principals = new WeakMap<Request, Principal>();

/** Records the sender of a request. Only the guard calls this. */
export function setPrincipal(request: Request, principal: Principal): void {
  principals.set(request, principal);
}

/** The sender of a request. Throws for a request that has not passed the guard, which would be a bug in its route. */
export function getPrincipal(request: Request): Principal {
  const principal = principals.get(request);
  if (principal === undefined) throw new Error('unreachable: the request has passed no guard');
  return principal;
}

/** Injects the {@link Principal} of the request into a controller's method. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext) =>
  getPrincipal(context.switchToHttp().getRequest<Request>()),
);
