import { Module } from '@nestjs/common';
import { KeepAliveClock } from '../http/keep-alive-clock.js';
import { Deliveries } from '../openai/response/deliveries.js';
import { ThreadsModule } from '../threads/threads.module.js';
import { TurnsModule } from '../turns/turns.module.js';
import { ItemReferences } from './request/item-references.js';
import { ResponsePlanner } from './request/response-planner.js';
import { TurnWords } from './request/turn-words.js';
import { ResponseFinder } from './response/response-finder.js';
import { ResponseService } from './response/response.service.js';
import { ResponsesController } from './responses.controller.js';

/** The Responses API over HTTP. */
@Module({
  imports: [ThreadsModule, TurnsModule],
  controllers: [ResponsesController],
  providers: [ResponsePlanner, ItemReferences, TurnWords, ResponseFinder, ResponseService, Deliveries, KeepAliveClock],
})
export class ResponsesModule {}
