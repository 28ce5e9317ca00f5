import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ApiKeyGuard } from './api-key.guard.js';
import { Authenticator } from './authenticator.js';
import { CallerLimits } from './caller-limits.js';
import { IdentityTokens } from './oidc/identity-tokens.js';
import { PolicyGuard } from './policy.guard.js';

/** Requires a key or a token on every route that is not marked `@Public()`, and binds callers to their policies. */
@Module({
  providers: [
    Authenticator,
    IdentityTokens,
    CallerLimits,
    // In this order.
    { provide: APP_GUARD, useClass: ApiKeyGuard },
    { provide: APP_GUARD, useClass: PolicyGuard },
  ],
  exports: [Authenticator, CallerLimits],
})
export class AuthModule {}
