import { Module } from '@nestjs/common';
import { TurnsModule } from '../turns/turns.module.js';
import { HealthController } from './health.controller.js';

/** Health checks for operators and load balancers. */
@Module({ imports: [TurnsModule], controllers: [HealthController] })
export class OpsModule {}
