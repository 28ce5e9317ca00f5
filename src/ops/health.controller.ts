import { Controller, Get, Head, HttpCode, Res } from '@nestjs/common';
import type { Response } from 'express';
import { Public } from '../auth/api-key.guard.js';
import { EventLog } from '../storage/event-log/event-log.js';
import { TurnRunner } from '../turns/running/turn.runner.js';
import { HealthDocs, HelloDocs, ReadinessDocs, RootDocs } from './health.docs.js';

/** Readiness for new turns, and if not why. */
type Readiness =
  { readonly ok: true; readonly ready: true } | { readonly ok: false; readonly ready: false; readonly error: string };

/** What load balancers, and clients that warm up their connection, ask for. Open to everybody; says nothing of the deployment. */
@Public()
@Controller()
export class HealthController {
  constructor(
    private readonly runner: TurnRunner,
    private readonly log: EventLog,
  ) {}

  @Get('healthz')
  @HealthDocs('getLiveness')
  healthy(): { readonly ok: true } {
    return { ok: true };
  }

  /** The name by which most load balancers ask for {@link healthy}. */
  @Get('health')
  @HealthDocs('getHealth')
  healthyToo(): { readonly ok: true } {
    return this.healthy();
  }

  @Get('readyz')
  @ReadinessDocs()
  ready(@Res({ passthrough: true }) response: Response): Readiness {
    const error = this.problem();
    if (error === undefined) return { ok: true, ready: true };
    response.status(503);
    return { ok: false, ready: false, error };
  }

  /** Clients that check a base URL get an answer; so does `HEAD /`, by which older versions of Claude Code do. */
  @Get()
  @RootDocs()
  root(): { readonly name: string; readonly messages: string; readonly docs: string } {
    return { name: 'chiron', messages: '/v1/messages', docs: '/docs' };
  }

  /** Claude Code 2.1.330 warms its connection with this. */
  @Head('api/hello')
  @HttpCode(200)
  @HelloDocs()
  hello(): void {
    // The status is the whole answer.
  }

  private problem(): string | undefined {
    if (this.runner.draining) return 'the server is stopping';
    return this.log.lastError === undefined ? undefined : 'the store cannot be written';
  }
}
