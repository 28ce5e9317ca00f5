import { Module } from '@nestjs/common';
import { HarnessModule } from '../harness/harness.module.js';
import { CodexConfigController } from './codex-config.controller.js';
import { ModelsController } from './models.controller.js';

/** The models that requests can name, in the form of the API that asks, and the configuration of clients for them. */
@Module({ imports: [HarnessModule], controllers: [ModelsController, CodexConfigController] })
export class ModelsModule {}
