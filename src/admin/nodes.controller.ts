import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { AdminGuard } from '../auth/admin.guard.js';
import { Unlimited } from '../auth/policy.guard.js';
import { parseTurnsQuery } from './dto/admin-query.js';
import type { NodeView, UnfinishedTurnView } from './node-views.js';
import { ListNodesDocs, ListUnfinishedTurnsDocs } from './nodes.docs.js';
import { NodesService } from './nodes.service.js';

/** What runs where, for admin keys. */
@Controller('api/admin')
@Unlimited()
@UseGuards(AdminGuard)
export class NodesController {
  constructor(private readonly nodes: NodesService) {}

  @Get('nodes')
  @ListNodesDocs()
  async listNodes(): Promise<{ readonly data: readonly NodeView[] }> {
    return { data: await this.nodes.listNodes() };
  }

  @Get('turns')
  @ListUnfinishedTurnsDocs()
  listTurns(
    @Query() query: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly data: readonly UnfinishedTurnView[]; readonly total: number }> {
    return this.nodes.listTurns(parseTurnsQuery(query));
  }
}
