import { Controller, Delete, Get, Header, HttpCode, Param, Post, Query, Req, UseGuards } from '@nestjs/common';
import type { Request } from 'express';
import { readActor } from '../auth/actor.js';
import { AdminGuard } from '../auth/admin.guard.js';
import { Unlimited } from '../auth/policy.guard.js';
import { CurrentPrincipal, type Principal } from '../auth/principal.js';
import { readJsonBody } from '../http/read-body.js';
import type { KeyView, NewKeyView } from './admin-views.js';
import { AdminService } from './admin.service.js';
import { parseKeysQuery } from './dto/admin-query.js';
import { parseCreateKey } from './dto/create-key.dto.js';
import { CreateKeyDocs, ListKeysDocs, RevokeKeyDocs } from './keys.docs.js';

/** The keys of the store, for admin keys. */
@Controller('api/admin/keys')
@Unlimited()
@UseGuards(AdminGuard)
export class KeysController {
  constructor(private readonly admin: AdminService) {}

  @Post()
  @HttpCode(201)
  // The only answer with a secret.
  @Header('cache-control', 'no-store')
  @CreateKeyDocs()
  async create(@CurrentPrincipal() principal: Principal, @Req() request: Request): Promise<NewKeyView> {
    return this.admin.createKey(parseCreateKey(await readJsonBody(request)), readActor(principal));
  }

  @Get()
  @ListKeysDocs()
  async list(@Query() query: Readonly<Record<string, unknown>>): Promise<{ readonly data: readonly KeyView[] }> {
    return { data: await this.admin.listKeys(parseKeysQuery(query)) };
  }

  /** Revokes the key. Its row stays, for whoever reads the audit log. */
  @Delete(':keyId')
  @RevokeKeyDocs()
  revoke(@CurrentPrincipal() principal: Principal, @Param('keyId') keyId: string): Promise<KeyView> {
    return this.admin.revokeKey(keyId, readActor(principal));
  }
}
