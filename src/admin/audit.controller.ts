import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { AdminGuard } from '../auth/admin.guard.js';
import { Unlimited } from '../auth/policy.guard.js';
import type { AuditView } from './admin-views.js';
import { AdminService } from './admin.service.js';
import { ListAuditDocs } from './audit.docs.js';
import { parseAuditQuery } from './dto/admin-query.js';

/** The audit log, for admin keys. */
@Controller('api/admin/audit')
@Unlimited()
@UseGuards(AdminGuard)
export class AuditController {
  constructor(private readonly admin: AdminService) {}

  @Get()
  @ListAuditDocs()
  async list(
    @Query() query: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly data: readonly AuditView[]; readonly next_cursor: string | null }> {
    const { entries, next } = await this.admin.listAudit(parseAuditQuery(query));
    return { data: entries, next_cursor: next };
  }
}
