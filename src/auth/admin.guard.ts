import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { ServiceError } from '../domain/service-error.js';
import { getPrincipal } from './principal.js';

/** Admits requests with an admin key only; runs after {@link ApiKeyGuard}. */
@Injectable()
export class AdminGuard implements CanActivate {
  /** @throws ServiceError (`forbidden`) for any other key, and for callers of a server that needs none. */
  canActivate(context: ExecutionContext): boolean {
    if (getPrincipal(context.switchToHttp().getRequest<Request>()).role === 'admin') return true;
    throw new ServiceError('forbidden', 'This route needs an admin key.');
  }
}
