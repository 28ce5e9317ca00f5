import { Module } from '@nestjs/common';
import { TurnsModule } from '../turns/turns.module.js';
import { WebhookSender } from './webhook-sender.js';

/** Tells other programs, by signed requests, of turns that end or wait for their caller's tools. */
@Module({ imports: [TurnsModule], providers: [WebhookSender], exports: [WebhookSender] })
export class WebhooksModule {}
