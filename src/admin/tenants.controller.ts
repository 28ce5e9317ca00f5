import { Controller, Delete, Get, HttpCode, Param, Post, Query, Req, UseGuards } from '@nestjs/common';
import type { Request } from 'express';
import { readActor } from '../auth/actor.js';
import { AdminGuard } from '../auth/admin.guard.js';
import { Unlimited } from '../auth/policy.guard.js';
import { CurrentPrincipal, type Principal } from '../auth/principal.js';
import { readJsonBody } from '../http/read-body.js';
import type { RemovedTenantView, TenantView } from './admin-views.js';
import { AdminService } from './admin.service.js';
import { parseRemovalQuery } from './dto/admin-query.js';
import { parseCreateTenant } from './dto/create-tenant.dto.js';
import { CreateTenantDocs, ListTenantsDocs, RemoveTenantDocs } from './tenants.docs.js';

/** The tenants of the store, for admin keys. */
@Controller('api/admin/tenants')
@Unlimited()
@UseGuards(AdminGuard)
export class TenantsController {
  constructor(private readonly admin: AdminService) {}

  @Post()
  @HttpCode(201)
  @CreateTenantDocs()
  async create(@CurrentPrincipal() principal: Principal, @Req() request: Request): Promise<TenantView> {
    return this.admin.createTenant(parseCreateTenant(await readJsonBody(request)), readActor(principal));
  }

  @Get()
  @ListTenantsDocs()
  async list(): Promise<{ readonly data: readonly TenantView[] }> {
    return { data: await this.admin.listTenants() };
  }

  @Delete(':name')
  @RemoveTenantDocs()
  remove(
    @CurrentPrincipal() principal: Principal,
    @Param('name') name: string,
    @Query() query: Readonly<Record<string, unknown>>,
  ): Promise<RemovedTenantView> {
    return this.admin.removeTenant(name, parseRemovalQuery(query), readActor(principal));
  }
}
