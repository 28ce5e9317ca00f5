import { Controller, Get, Param, Put, Req, UseGuards } from '@nestjs/common';
import type { Request } from 'express';
import { readActor } from '../auth/actor.js';
import { AdminGuard } from '../auth/admin.guard.js';
import { Unlimited } from '../auth/policy.guard.js';
import { CurrentPrincipal, type Principal } from '../auth/principal.js';
import { readJsonBody } from '../http/read-body.js';
import type { KeyPolicyView, TenantPolicyView } from './admin-views.js';
import { AdminService } from './admin.service.js';
import { parsePolicy } from './dto/policy.dto.js';
import { GetKeyPolicyDocs, GetTenantPolicyDocs, SetKeyPolicyDocs, SetTenantPolicyDocs } from './policies.docs.js';

/** The policies of tenants and keys, for admin keys. */
@Controller('api/admin')
@Unlimited()
@UseGuards(AdminGuard)
export class PoliciesController {
  constructor(private readonly admin: AdminService) {}

  @Get('tenants/:name/policy')
  @GetTenantPolicyDocs()
  getOfTenant(@Param('name') name: string): Promise<TenantPolicyView> {
    return this.admin.getTenantPolicy(name);
  }

  @Put('tenants/:name/policy')
  @SetTenantPolicyDocs()
  async setOfTenant(
    @CurrentPrincipal() principal: Principal,
    @Param('name') name: string,
    @Req() request: Request,
  ): Promise<TenantPolicyView> {
    return this.admin.setTenantPolicy(name, parsePolicy(await readJsonBody(request)), readActor(principal));
  }

  @Get('keys/:keyId/policy')
  @GetKeyPolicyDocs()
  getOfKey(@Param('keyId') keyId: string): Promise<KeyPolicyView> {
    return this.admin.getKeyPolicy(keyId);
  }

  @Put('keys/:keyId/policy')
  @SetKeyPolicyDocs()
  async setOfKey(
    @CurrentPrincipal() principal: Principal,
    @Param('keyId') keyId: string,
    @Req() request: Request,
  ): Promise<KeyPolicyView> {
    return this.admin.setKeyPolicy(keyId, parsePolicy(await readJsonBody(request)), readActor(principal));
  }
}
