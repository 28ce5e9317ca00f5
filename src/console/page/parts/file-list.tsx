import { useState } from 'preact/hooks';
import type { Api } from '../api.js';
import type { WorkspaceFileEntry } from '../api-types.js';

/** The files of a thread's workspace, one folder at a time; read when it is opened. */
export function FileList({
  api,
  threadKey,
  onError,
}: {
  readonly api: Api;
  readonly threadKey: string;
  readonly onError: (error: unknown) => void;
}) {
  const [folder, setFolder] = useState('');
  const [entries, setEntries] = useState<readonly WorkspaceFileEntry[]>();
  const [cursor, setCursor] = useState<string | null>(null);
  const read = async (path: string, from?: string): Promise<void> => {
    try {
      const page = await api.listFiles(threadKey, path, from);
      setFolder(path);
      setEntries((before) => (from === undefined ? page.files : [...(before ?? []), ...page.files]));
      setCursor(page.next_cursor);
    } catch (error) {
      onError(error);
    }
  };
  const download = (path: string): void => {
    api.downloadFile(threadKey, path).catch(onError);
  };
  return (
    <details
      onToggle={({ currentTarget }) => {
        if (currentTarget.open) void read(folder);
      }}
    >
      <summary>Files</summary>
      <p class="meta">
        {folder === '' ? 'workspace' : `workspace/${folder}`}{' '}
        {folder !== '' && (
          <button type="button" onClick={() => void read(folder.split('/').slice(0, -1).join('/'))}>
            Up
          </button>
        )}{' '}
        <button type="button" onClick={() => void read(folder)}>
          Read again
        </button>
      </p>
      {entries?.length === 0 && <p class="hint">There is nothing in it.</p>}
      <ul>
        {entries?.map(({ path, type, size }) => (
          <li key={path}>
            {type === 'folder' ? (
              <button type="button" onClick={() => void read(path)}>
                {nameOf(path)}/
              </button>
            ) : (
              nameOf(path)
            )}{' '}
            {type === 'file' && `${size.toLocaleString()} bytes `}
            {type === 'link' ? (
              '(link)'
            ) : (
              <button type="button" aria-label={`Download ${path}`} onClick={() => download(path)}>
                Download
              </button>
            )}
          </li>
        ))}
      </ul>
      {cursor !== null && (
        <button type="button" onClick={() => void read(folder, cursor)}>
          More
        </button>
      )}
    </details>
  );
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
