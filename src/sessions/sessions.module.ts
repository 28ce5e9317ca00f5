import { Module } from '@nestjs/common';
import { HarnessModule } from '../harness/harness.module.js';
import { TurnsModule } from '../turns/turns.module.js';
import { ExecutionsController } from './executions.controller.js';
import { SessionEventsService } from './events/session-events.service.js';
import { SessionHistoryService } from './history/session-history.service.js';
import { SessionService } from './session.service.js';
import { WorkspaceController } from './workspace.controller.js';
import { SessionsController } from './sessions.controller.js';

/** The session API, `/api/session/*`: centaur's routes, and further ones that centaur lacks. */
@Module({
  imports: [HarnessModule, TurnsModule],
  // The order matters: the last controller has the catch-all routes.
  controllers: [SessionsController, WorkspaceController, ExecutionsController],
  providers: [SessionService, SessionHistoryService, SessionEventsService],
})
export class SessionsModule {}
