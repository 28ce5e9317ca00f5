import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { CurrentPrincipal, type Principal } from '../auth/principal.js';
import { ServiceError } from '../domain/service-error.js';
import { UsageDocs } from './usage.docs.js';
import { parseUsageQuery } from './usage-query.js';
import { UsageService } from './usage.service.js';
import { toUsageCsv } from './usage-views.js';

/** What turns used: of the caller's own tenant, or of all for an admin key. Its errors have the envelope of the Messages API. */
@Controller('api/usage')
export class UsageController {
  constructor(private readonly usage: UsageService) {}

  @Get()
  @UsageDocs()
  async read(
    @CurrentPrincipal() principal: Principal,
    @Query() query: Readonly<Record<string, unknown>>,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const { groups, format, ...asked } = parseUsageQuery(query, request.accepts(['json', 'csv']) === 'csv');
    const report = await this.usage.report({ ...asked, tenant: visibleTenant(principal, asked.tenant) }, groups);
    // Of a moment and of one caller.
    response.set({ 'cache-control': 'no-store', vary: 'accept' });
    if (format === 'csv') response.type('text/csv; charset=utf-8').send(toUsageCsv(report));
    else response.json(report);
  }
}

/**
 * The tenant whose usage a caller gets; `undefined` for all. Whether another tenant exists is not for a user to know.
 *
 * @throws ServiceError (`not_found`)
 */
function visibleTenant({ role, tenant }: Principal, asked: string | undefined): string | undefined {
  if (role === 'admin') return asked;
  if (asked === undefined || asked === tenant) return tenant;
  throw new ServiceError('not_found', 'tenant: there is no such tenant');
}
