import { Module } from '@nestjs/common';
import { HarnessModule } from '../harness/harness.module.js';
import { TurnsModule } from '../turns/turns.module.js';
import { ExecutionsController } from './executions.controller.js';
import { SessionEventsService } from './events/session-events.service.js';
import { SessionMessageStore } from '../storage/stores/session-message.store.js';
import { SessionService } from './session.service.js';
import { SessionsController } from './sessions.controller.js';

/** The session control plane over HTTP, `/api/session/*`: centaur's, and what it lacks. */
@Module({
  imports: [HarnessModule, TurnsModule],
  // The second one has the routes that answer what nobody else does.
  controllers: [SessionsController, ExecutionsController],
  providers: [SessionService, SessionEventsService, SessionMessageStore],
})
export class SessionsModule {}
