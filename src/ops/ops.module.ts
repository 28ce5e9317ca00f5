import { Module } from '@nestjs/common';
import { TurnsModule } from '../turns/turns.module.js';
import { HealthController } from './health.controller.js';

/** What operators look at. */
@Module({ imports: [TurnsModule], controllers: [HealthController] })
export class OpsModule {}
