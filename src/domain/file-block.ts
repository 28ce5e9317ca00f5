import { toFileName } from './file-name.js';

/** A file in a prompt. The agent gets it in its workspace, and also as content where its model takes it. */
export interface FileBlock {
  readonly type: 'file';
  /** Of an uploaded file its id; of another one a name that is made of its bytes. */
  readonly id: string;
  /** The bytes in base64 of a file that is in the request itself; absent for an uploaded one. */
  readonly data?: string;
  /** What the caller means it to be: something that the model sees, or a file in the workspace alone. */
  readonly use: 'image' | 'document' | 'workspace';
  /** The name; of an uploaded file absent until it was looked up. */
  readonly name?: string;
  readonly mediaType?: string;
  /** Bytes. */
  readonly size?: number;
  readonly title?: string | null;
  readonly context?: string | null;
}

/** The folder of the workspace in which the files of callers are. Each has a folder of its own, so that no name is taken. */
const UPLOADS = 'uploads';

/** Where a file is in the workspace. */
export function toUploadPath({ id, name }: Pick<FileBlock, 'id' | 'name'>): string {
  return `${UPLOADS}/${toFileName(id)}/${toFileName(name)}`;
}

/** Says in a sentence where a file is, for an agent that is or was given it. */
export function describeFile(file: FileBlock): string {
  const { name = file.id, mediaType, size } = file;
  const facts = [mediaType, size === undefined ? undefined : `${size} bytes`].filter((fact) => fact !== undefined);
  const kind = facts.length === 0 ? '' : ` (${facts.join(', ')})`;
  return `[The user gave the file ${JSON.stringify(name)}${kind}. It is ${toUploadPath(file)} in the workspace.]`;
}

/** Says that a file is not there any more. */
export function describeMissingFile({ id, name }: Pick<FileBlock, 'id' | 'name'>): string {
  return `[The user gave the file ${JSON.stringify(name ?? id)}, which has been deleted since.]`;
}

/** A block of a message, or of an earlier conversation, that may have others in it. */
type AnyBlock = { readonly type: string; readonly content?: readonly AnyBlock[] } | FileBlock;

/** All files in these blocks, those in results of tools, too. */
export function filesIn(blocks: readonly AnyBlock[]): readonly FileBlock[] {
  return blocks.flatMap((block) => {
    if (isFileBlock(block)) return [block];
    return 'content' in block && block.content !== undefined ? filesIn(block.content) : [];
  });
}

function isFileBlock(block: AnyBlock): block is FileBlock {
  return block.type === 'file';
}
