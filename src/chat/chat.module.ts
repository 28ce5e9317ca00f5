import { Module } from '@nestjs/common';
import { KeepAliveClock } from '../http/keep-alive-clock.js';
import { Deliveries } from '../openai/response/deliveries.js';
import { ThreadsModule } from '../threads/threads.module.js';
import { TurnsModule } from '../turns/turns.module.js';
import { ChatCompletionsController } from './chat-completions.controller.js';
import { CompletionPlanner } from './request/completion-planner.js';
import { CompletionService } from './response/completion.service.js';

/** Chat Completions over HTTP. */
@Module({
  imports: [ThreadsModule, TurnsModule],
  controllers: [ChatCompletionsController],
  providers: [CompletionPlanner, CompletionService, Deliveries, KeepAliveClock],
})
export class ChatModule {}
