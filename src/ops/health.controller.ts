import { Controller, Get, Head, HttpCode, Res } from '@nestjs/common';
import type { Response } from 'express';
import { Public } from '../auth/api-key.guard.js';
import { ThisNode } from '../cluster/this-node.js';
import { EventLog } from '../storage/event-log/event-log.js';
import { DiskWatch } from '../storage/disk-watch.js';
import { TurnRunner } from '../turns/running/turn.runner.js';
import { HealthDocs, HelloDocs, ReadinessDocs, RootDocs } from './health.docs.js';

/** Whether the server accepts new turns, and the reason if not. */
type Readiness =
  { readonly ok: true; readonly ready: true } | { readonly ok: false; readonly ready: false; readonly error: string };

/** Routes for load balancers, and for clients that warm up a connection. Public; they reveal nothing about the deployment. */
@Public()
@Controller()
export class HealthController {
  constructor(
    private readonly runner: TurnRunner,
    private readonly log: EventLog,
    private readonly disk: DiskWatch,
    private readonly node: ThisNode,
  ) {}

  @Get('healthz')
  @HealthDocs('getLiveness')
  healthy(): { readonly ok: true } {
    return { ok: true };
  }

  /** Alias of {@link healthy} that most load balancers use. */
  @Get('health')
  @HealthDocs('getHealth')
  healthAlias(): { readonly ok: true } {
    return this.healthy();
  }

  @Get('readyz')
  @ReadinessDocs()
  ready(@Res({ passthrough: true }) response: Response): Readiness {
    const error = this.notReadyReason();
    if (error === undefined) return { ok: true, ready: true };
    response.status(503);
    return { ok: false, ready: false, error };
  }

  /** Answers clients that check a base URL, as older versions of Claude Code do with `HEAD /`. */
  @Get()
  @RootDocs()
  root(): {
    readonly name: string;
    readonly messages: string;
    readonly responses: string;
    readonly chat: string;
    readonly docs: string;
  } {
    return {
      name: 'chiron',
      messages: '/v1/messages',
      responses: '/v1/responses',
      chat: '/v1/chat/completions',
      docs: '/docs',
    };
  }

  /** Claude Code 2.1.330 warms up its connection with this request. */
  @Head('api/hello')
  @HttpCode(200)
  @HelloDocs()
  hello(): void {
    // The status is all that the client reads.
  }

  private notReadyReason(): string | undefined {
    if (this.runner.draining) return 'the server is stopping';
    if (!this.node.isActive) return 'the other servers may have given this one up';
    if (this.log.lastError !== undefined) return 'the store cannot be written';
    return this.disk.isLow ? 'the disk is almost full' : undefined;
  }
}
