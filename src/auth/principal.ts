import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';

/** Who a request is from. */
export interface Principal {
  /** What the request's threads belong to: the name of its key. */
  readonly tenant: string;
}

/** The tenant of everybody when no keys are configured. */
export const LOCAL_TENANT = 'local';

const principals = new WeakMap<Request, Principal>();

/** Notes who a request is from; only the guard does. */
export function setPrincipal(request: Request, principal: Principal): void {
  principals.set(request, principal);
}

/** Who a request is from. Throws for a request that no guard has let in: that would be a route without one. */
export function getPrincipal(request: Request): Principal {
  const principal = principals.get(request);
  if (principal === undefined) throw new Error('unreachable: the request has passed no guard');
  return principal;
}

/** Injects the {@link Principal} of the request into a controller's method. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext) =>
  getPrincipal(context.switchToHttp().getRequest<Request>()),
);
