import { Module } from '@nestjs/common';
import { FileCleanup } from './file-cleanup.js';
import { filePlaces } from './file-places.js';
import { UploadedFiles } from './uploaded-files.js';

/** The files that callers upload. */
@Module({ providers: [filePlaces, UploadedFiles, FileCleanup], exports: [UploadedFiles] })
export class FilestoreModule {}
