import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ThreadsModule } from '../threads/threads.module.js';
import { TurnsModule } from '../turns/turns.module.js';
import { AnswerService } from './answer.service.js';
import { AnthropicErrorFilter } from './anthropic-error.filter.js';
import { MessagesController } from './messages.controller.js';
import { StreamClock } from './stream-clock.js';

/** The Messages API over HTTP. */
@Module({
  imports: [ThreadsModule, TurnsModule],
  controllers: [MessagesController],
  providers: [AnswerService, StreamClock, { provide: APP_FILTER, useClass: AnthropicErrorFilter }],
})
export class MessagesModule {}
