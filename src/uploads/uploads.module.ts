import { Module } from '@nestjs/common';
import { FilestoreModule } from '../filestore/filestore.module.js';
import { FilesController } from './files.controller.js';

/** The Files API over HTTP. */
@Module({ imports: [FilestoreModule], controllers: [FilesController] })
export class UploadsModule {}
